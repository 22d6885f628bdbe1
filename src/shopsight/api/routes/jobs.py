"""Jobs: how they are getting on, and how to stop them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from shopsight.api.models import JobAnswer, JobPage
from shopsight.api.parts import Parts, problems
from shopsight.catalog.jobs import JobStore
from shopsight.errors import NotFoundError

JobId = Annotated[str, InPath(max_length=64, examples=["5b0e6e0d5c7c4d5b8f0f6a0f8c1c9a77"])]


def router(parts: Parts) -> APIRouter:
    """Routes for jobs."""
    routes = APIRouter(tags=["jobs"], dependencies=[Depends(parts.gate.admin())])

    @routes.get("/v1/jobs", summary="List jobs, newest first", responses=problems(401, 403, 422))
    async def list_jobs(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> JobPage:
        found = await parts.lookups.run(parts.jobs.newest, limit=limit)
        return JobPage(jobs=[JobAnswer.of(job) for job in found])

    @routes.get("/v1/jobs/{job_id}", summary="Get a job", responses=problems(401, 403, 404))
    async def get_job(job_id: JobId) -> JobAnswer:
        return JobAnswer.of(await parts.lookups.run(parts.jobs.get, job_id))

    @routes.delete(
        "/v1/jobs/{job_id}",
        summary="Cancel a job",
        description="A running job stops soon and keeps what it did; a finished one stays.",
        responses=problems(401, 403, 404),
    )
    async def cancel_job(job_id: JobId) -> JobAnswer:
        return JobAnswer.of(await parts.lookups.run(parts.runner.cancel, job_id))

    @routes.get(
        "/v1/jobs/{job_id}/problems",
        summary="Rows and pictures that a job left out, as CSV",
        response_class=Response,
        responses=problems(401, 403, 404)
        | {200: {"description": "The list.", "content": {"text/csv": {}}}},
    )
    async def get_problems(job_id: JobId) -> Response:
        path = await parts.lookups.run(_problems_of, parts.jobs, job_id)
        return FileResponse(
            path, media_type="text/csv; charset=utf-8", filename=f"problems-{job_id}.csv"
        )

    return routes


def _problems_of(jobs: JobStore, job_id: str) -> Path:
    path = jobs.get(job_id).progress.get("problems")
    if not isinstance(path, str) or not Path(path).is_file():
        raise NotFoundError(
            f"The job {job_id!r} has no list of problems: it left nothing out, or has not ended."
        )
    return Path(path)
