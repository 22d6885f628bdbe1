"""What those who run the shop look at and set going: index versions, jobs, measurements, health."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from shopsight import __version__
from shopsight.api.history import Sample, memory_bytes
from shopsight.api.job_kinds import EVALUATE
from shopsight.api.models import JobAnswer
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.uploads import body_file
from shopsight.catalog.jobs import Job, new_job_id
from shopsight.wiring.versions import VersionInfo, index_versions

_ZIP = {"schema": {"type": "string", "format": "binary"}}


class JobBody(BaseModel):
    """A job to do.

    Attributes:
        kind: ``reindex`` encodes the catalogue anew, ``calibrate`` fits confidence anew.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "reindex"}]})

    kind: Literal["reindex", "calibrate"]


class IndexList(BaseModel):
    """Versions of the index, newest first."""

    indexes: list[VersionInfo]


class HealthAnswer(BaseModel):
    """How the server is and did.

    Attributes:
        version: Of Shopsight.
        ready: Whether searches are answered at full speed.
        trouble: Why not; empty if they are, or soon will be.
        started_at: When the server started.
        memory_bytes: Memory that the process holds.
        samples: The last hour, oldest first.
    """

    version: str
    ready: bool
    trouble: str
    started_at: datetime
    memory_bytes: int
    samples: list[Sample]


def router(parts: Parts) -> APIRouter:
    """Routes for operations."""
    routes = APIRouter(tags=["system"], dependencies=[Depends(parts.gate.admin())])
    started = datetime.now(UTC)

    @routes.get("/v1/indexes", summary="Versions of the index", responses=problems(401, 403))
    async def list_indexes() -> IndexList:
        return IndexList(indexes=await parts.lookups.run(index_versions, parts.shop))

    @routes.get("/v1/health", summary="How the server did in the last hour")
    async def get_health() -> HealthAnswer:
        trouble = parts.upkeep.trouble
        return HealthAnswer(
            version=__version__,
            ready=parts.upkeep.ready,
            trouble="" if trouble is None else str(trouble),
            started_at=started,
            memory_bytes=memory_bytes(),
            samples=parts.history.samples(),
        )

    @routes.post(
        "/v1/jobs",
        summary="Re-index, or fit confidence anew",
        status_code=202,
        responses=problems(401, 403, 415, 422),
        openapi_extra=body_schema(JobBody),
    )
    async def post_job(request: Request, response: Response) -> JobAnswer:
        body = await read_json(request, JobBody, parts.lookups)
        job = await parts.lookups.run(parts.runner.submit, {}, kind=body.kind)
        return _queued(job, request, response)

    @routes.post(
        "/v1/evaluations",
        summary="Measure the search on labelled photos",
        description=(
            "The body is a ZIP archive with `photos.csv` (columns `photo` and `product_id`) and "
            "the photos it names. They are deleted when the job has ended."
        ),
        status_code=202,
        responses=problems(401, 403, 413),
        openapi_extra={"requestBody": {"required": True, "content": {"application/zip": _ZIP}}},
    )
    async def post_evaluation(request: Request, response: Response) -> JobAnswer:
        job_id = new_job_id()
        async with body_file(request, parts.runner.uploads) as path:
            kept = path.with_name(f"{job_id}.zip")
            path.rename(kept)
            job = await parts.lookups.run(
                parts.runner.submit, {"path": str(kept)}, kind=EVALUATE, job_id=job_id
            )
        return _queued(job, request, response)

    return routes


def _queued(job: Job, request: Request, response: Response) -> JobAnswer:
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
    return JobAnswer.of(job)
