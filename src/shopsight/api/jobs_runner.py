"""Runs jobs, one after the other, in a thread of the server. They go on after a restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout
from pydantic import JsonValue

from shopsight.catalog.jobs import FINISHED, Job, JobState, JobStore
from shopsight.errors import BusyError, ShopsightError
from shopsight.ingest.report import IngestCounters
from shopsight.wiring import Shop

log = logging.getLogger(__name__)

INDEX_FEED = "index"
"""The kind of job that indexes a feed."""

_NOTE_EVERY_S = 1.0
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

    def submit(self, request: Mapping[str, JsonValue], *, job_id: str | None = None) -> Job:
        """Queue the indexing of a feed.

        Args:
            request: ``path`` or ``url``, and the fields of ``FeedOptions``.
            job_id: The job's id, if it had to be known before.
        """
        job = self._jobs.add(INDEX_FEED, request, job_id=job_id)
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
            self._index(job, cancel)
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

    def _index(self, job: Job, cancel: threading.Event) -> None:
        request = job.request
        report = self._shop.index(
            str(request.get("path") or request["url"]),
            format=cast("str | None", request.get("format")),
            mapping=cast("dict[str, str] | None", request.get("mapping")) or None,
            local_images=False,
            sync=bool(request.get("sync")),
            default_currency=cast("str | None", request.get("currency")),
            progress=_Notes(self._jobs, job.id, cancel),
            cancel=cancel,
        )
        result = cast("dict[str, JsonValue]", report.as_dict())
        if not report.cancelled:
            self._jobs.finish(job.id, JobState.SUCCEEDED, progress=result)
        elif self._jobs.progress(job.id, result) is JobState.CANCELLING:
            self._jobs.finish(job.id, JobState.CANCELLED, progress=result)
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


class _Notes:
    """A progress that keeps a job's counters up to date and learns that it is to stop."""

    def __init__(self, jobs: JobStore, job_id: str, cancel: threading.Event) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._cancel = cancel
        self._noted = 0.0

    def update(self, counters: IngestCounters) -> None:
        """Take note."""
        now = time.monotonic()
        if now - self._noted < _NOTE_EVERY_S:
            return
        self._noted = now
        if self._jobs.progress(self._job_id, asdict(counters)) is JobState.CANCELLING:
            self._cancel.set()
