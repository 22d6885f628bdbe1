"""Runs jobs, one after the other, in a thread of the server. They go on after a restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import JsonValue

from shopsight.api.job_kinds import INDEX_FEED, KINDS, Notes, Outcome, StoppedError
from shopsight.catalog.jobs import FINISHED, Job, JobState, JobStore
from shopsight.errors import BusyError, ShopsightError
from shopsight.wiring import Shop

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0
_ORPHAN_AGE_S = 86_400.0


class JobRunner:
    """Takes jobs from the queue and does them.

    Of several servers over one data folder, one at a time does so: the holder of a lock there.

    Args:
        shop: The shop to index into.
        jobs: The queue.
    """

    def __init__(self, shop: Shop, jobs: JobStore) -> None:
        self.uploads = shop.settings.data / "uploads"
        self._shop = shop
        self._jobs = jobs
        self._lock = FileLock(shop.settings.data / "jobs.lock", thread_local=False)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._current: tuple[str, threading.Event] | None = None
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    @property
    def working(self) -> bool:
        """Whether a job is being done here."""
        return self._current is not None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout_s: float = 30) -> None:
        """Stop soon. A running job is put back into the queue, with all that it did kept."""
        self._closing.set()
        self._wake.set()
        current = self._current
        if current is not None:
            current[1].set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def submit(
        self,
        request: Mapping[str, JsonValue],
        *,
        kind: str = INDEX_FEED,
        job_id: str | None = None,
    ) -> Job:
        """Queue a job, by default the indexing of a feed.

        Args:
            request: All that it needs to know, such as ``path`` or ``url`` and the fields of
                ``FeedOptions``. The file at ``path`` is deleted when the job has ended.
            kind: One of :data:`.job_kinds.KINDS`.
            job_id: The job's id, if it had to be known before.
        """
        job = self._jobs.add(kind, request, job_id=job_id)
        self._wake.set()
        return job

    def cancel(self, job_id: str) -> Job:
        """Ask a job to end.

        Raises:
            NotFoundError: There is no such job.
        """
        job = self._jobs.cancel(job_id)
        current = self._current
        if job.state is JobState.CANCELLING and current is not None and current[0] == job_id:
            current[1].set()
        if job.state is JobState.CANCELLED:
            self._forget_upload(job)
        return job

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                with self._lock.acquire(timeout=0):
                    self._recover()
                    self._do_jobs()
            except Timeout:
                pass  # another server does the jobs; should it end, this one takes over
            except Exception:
                log.exception("The jobs stand still for a moment")
            self._pause()

    def _do_jobs(self) -> None:
        while not self._closing.is_set():
            job = self._jobs.claim()
            if job is None:
                self._pause()
            elif not self._do(job):
                self._closing.wait(_LOOK_EVERY_S)

    def _pause(self) -> None:
        self._wake.wait(_LOOK_EVERY_S)
        if not self._closing.is_set():
            self._wake.clear()

    def _do(self, job: Job) -> bool:
        """Do one job; false when it must wait for another writer."""
        cancel = threading.Event()
        self._current = job.id, cancel
        if self._closing.is_set():
            cancel.set()
        try:
            self._end(job, self._outcome(job, cancel))
        except BusyError as error:
            self._jobs.put_back(job.id, why=str(error))
            return False
        except ShopsightError as error:
            log.warning("Job %s failed: %s", job.id, error)
            self._jobs.finish(job.id, JobState.FAILED, error=str(error))
        except Exception:
            log.exception("Job %s failed", job.id)
            self._jobs.finish(
                job.id,
                JobState.FAILED,
                error="Something unforeseen happened: the server's log tells more.",
            )
        finally:
            self._current = None
        ended = self._jobs.get(job.id)
        if ended.state in FINISHED:
            self._forget_upload(ended)
        return True

    def _outcome(self, job: Job, cancel: threading.Event) -> Outcome:
        if job.kind not in KINDS:
            raise ShopsightError(f"This server knows no jobs of the kind {job.kind!r}.")
        try:
            return KINDS[job.kind](self._shop, job, Notes(self._jobs, job.id, cancel))
        except StoppedError:
            return Outcome(self._jobs.get(job.id).progress, cancelled=True)

    def _end(self, job: Job, outcome: Outcome) -> None:
        if not outcome.cancelled:
            self._jobs.finish(job.id, JobState.SUCCEEDED, progress=outcome.result)
        elif self._jobs.progress(job.id, outcome.result) is JobState.CANCELLING:
            self._jobs.finish(job.id, JobState.CANCELLED, progress=outcome.result)
        else:
            self._jobs.put_back(
                job.id, why="The server was stopped while this ran; it goes on from there."
            )

    def _recover(self) -> None:
        recovered = self._jobs.recover()
        if recovered:
            log.info("Queued again what an earlier server left: %d jobs", len(recovered))
        for job in recovered:
            if job.state in FINISHED:
                self._forget_upload(job)
        # Files whose upload was cut off by a crash belong to no job.
        for path in self.uploads.glob("*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ORPHAN_AGE_S and not self._jobs.waits(
                    path.stem
                ):
                    path.unlink()

    def _forget_upload(self, job: Job) -> None:
        path = job.request.get("path")
        if path:
            try:
                Path(str(path)).unlink(missing_ok=True)
            except OSError as error:
                log.warning("The uploaded feed %s cannot be deleted: %s", path, error)
