"""Jobs: long work that runs later, such as indexing a feed, and outlives a restart."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import RowMapping, delete, func, insert, select, update

from shopsight.catalog.database import Database, jobs
from shopsight.errors import NotFoundError

KEPT = 1000
"""Finished jobs that are remembered; older ones are forgotten when a new one is added."""


class JobState(StrEnum):
    """Where a job stands. ``cancelling`` is a running one that was told to stop."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
"""States that never change again."""

_ACTIVE = (JobState.RUNNING, JobState.CANCELLING)


class Job(BaseModel):
    """One job.

    Attributes:
        id: 32 hexadecimal digits.
        kind: What is done, such as ``index``.
        state: Where it stands.
        request: What was asked for.
        progress: Counters, and at the end the result.
        error: Why it failed, or what it waits for; for people.
        created_at: Seconds since 1970, as the other times.
        started_at: When it was last taken up.
        finished_at: When it ended.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    state: JobState
    request: dict[str, JsonValue] = Field(default_factory=dict)
    progress: dict[str, JsonValue] = Field(default_factory=dict)
    error: str | None = None
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None


class JobStore:
    """The queue of jobs in the database.

    Every method is one transaction, and raises :class:`~shopsight.errors.StorageError` when the
    database fails.

    Args:
        database: Where the jobs are kept.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, kind: str, request: Mapping[str, JsonValue], *, job_id: str | None = None) -> Job:
        """Queue a job.

        Args:
            kind: What is to be done.
            request: Everything needed to do it, after a restart too.
            job_id: Made by :func:`new_job_id` when it had to be known before; otherwise a new one.
        """
        job = Job(
            id=job_id or new_job_id(),
            kind=kind,
            state=JobState.QUEUED,
            request=dict(request),
            created_at=self._clock(),
        )
        with self._database.begin() as connection:
            connection.execute(insert(jobs).values(**job.model_dump()))
            newest = (
                select(jobs.c.id)
                .where(jobs.c.state.in_(FINISHED))
                .order_by(jobs.c.created_at.desc())
            )
            kept = newest.limit(KEPT).subquery()
            old = delete(jobs).where(
                jobs.c.state.in_(FINISHED), jobs.c.id.not_in(select(kept.c.id))
            )
            connection.execute(old)
        return job

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._database.begin() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no job with the id {job_id!r}.")
        return _job(row)

    def waits(self, job_id: str) -> bool:
        """Whether there is such a job and it is not finished."""
        query = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.state.not_in(FINISHED))
        with self._database.begin() as connection:
            return connection.execute(query).first() is not None

    def newest(self, *, limit: int = 100) -> list[Job]:
        """The newest jobs, newest first."""
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
        with self._database.begin() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[JobState, int]:
        """Number of jobs in every state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with self._database.begin() as connection:
            found = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in JobState}

    def claim(self) -> Job | None:
        """Take up the oldest queued job, or ``None``. Of several that ask at once, one gets it."""
        oldest = (
            select(jobs.c.id)
            .where(jobs.c.state == JobState.QUEUED)
            .order_by(jobs.c.created_at, jobs.c.id)
        )
        with self._database.begin() as connection:
            for job_id in connection.execute(oldest).scalars().all():
                change = update(jobs).where(jobs.c.id == job_id, jobs.c.state == JobState.QUEUED)
                taken = connection.execute(
                    change.values(state=JobState.RUNNING, started_at=self._clock(), error=None)
                ).rowcount
                if taken:
                    return _job(
                        connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()
                    )
        return None

    def progress(self, job_id: str, progress: Mapping[str, JsonValue]) -> JobState:
        """Note how far a job is.

        Returns:
            Its state, which is ``cancelling`` once someone wants it to stop.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._database.begin() as connection:
            connection.execute(
                update(jobs).where(jobs.c.id == job_id).values(progress=dict(progress))
            )
            state = connection.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar()
        if state is None:
            raise NotFoundError(f"There is no job with the id {job_id!r}.")
        return JobState(state)

    def finish(
        self,
        job_id: str,
        state: JobState,
        *,
        error: str | None = None,
        progress: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """End a job.

        Args:
            job_id: Which.
            state: One of the finished ones.
            error: Why it failed.
            progress: Its result; ``None`` keeps what was last noted.
        """
        values: dict[str, object] = {"state": state, "error": error, "finished_at": self._clock()}
        if progress is not None:
            values["progress"] = dict(progress)
        with self._database.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))

    def put_back(self, job_id: str, *, why: str) -> None:
        """Queue a running job again; one that was told to stop ends as cancelled instead."""
        with self._database.begin() as connection:
            change = update(jobs).where(jobs.c.id == job_id, jobs.c.state == JobState.RUNNING)
            connection.execute(change.values(state=JobState.QUEUED, error=why, started_at=None))
            stopped = update(jobs).where(jobs.c.id == job_id, jobs.c.state == JobState.CANCELLING)
            connection.execute(stopped.values(state=JobState.CANCELLED, finished_at=self._clock()))

    def recover(self) -> list[Job]:
        """Queue again what a stopped server left running; returns those jobs as they are now."""
        with self._database.begin() as connection:
            found = (
                connection.execute(select(jobs).where(jobs.c.state.in_(_ACTIVE))).mappings().all()
            )
        for row in found:
            self.put_back(
                row["id"], why="The server was stopped while this ran; it goes on from there."
            )
        return [self.get(row["id"]) for row in found]

    def cancel(self, job_id: str) -> Job:
        """Ask for an end. A queued job ends at once, a running one soon, a finished one stays.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._database.begin() as connection:
            waiting = update(jobs).where(jobs.c.id == job_id, jobs.c.state == JobState.QUEUED)
            connection.execute(waiting.values(state=JobState.CANCELLED, finished_at=self._clock()))
            running = update(jobs).where(jobs.c.id == job_id, jobs.c.state == JobState.RUNNING)
            connection.execute(running.values(state=JobState.CANCELLING))
        return self.get(job_id)


def new_job_id() -> str:
    """An id that no other job has."""
    return uuid.uuid4().hex


def _job(row: RowMapping) -> Job:
    return Job.model_validate(dict(row))
