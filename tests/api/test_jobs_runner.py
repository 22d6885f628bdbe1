from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsight.api import jobs_runner
from shopsight.api.jobs_runner import JobRunner
from shopsight.catalog.jobs import FINISHED, Job, JobState, JobStore
from shopsight.ingest.lock import writer_lock
from shopsight.settings import Settings
from shopsight.wiring import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An empty shop that may fetch from this machine."""
    settings = Settings(data=tmp_path / "data", encoder="thumbnail", allow_hosts=["127.0.0.1"])
    with Shop.open(settings=settings) as shop:
        yield shop


@pytest.fixture
def store(shop: Shop) -> JobStore:
    """The queue."""
    return JobStore(shop.database)


@pytest.fixture
def runner(shop: Shop, store: JobStore) -> Iterator[JobRunner]:
    """A runner that was not started."""
    runner = JobRunner(shop, store)
    yield runner
    runner.close()


def upload(runner: JobRunner, web: str, job_id: str = "upload") -> Path:
    """A feed of one product, as an upload leaves it."""
    runner.uploads.mkdir(parents=True, exist_ok=True)
    path = runner.uploads / f"{job_id}.feed"
    path.write_text(f"id,title,image_link\nM1,Mug,{web}/images/MUG001.jpg\n")
    return path


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes soon."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(store: JobStore, job: Job) -> Job:
    """The job, once it has ended."""
    until(lambda: store.get(job.id).state in FINISHED)
    return store.get(job.id)


def test_a_job_that_a_dead_server_left_is_done(
    runner: JobRunner, store: JobStore, shop: Shop, web: str
) -> None:
    """A job found running at the start is done again and its upload removed afterwards."""
    path = upload(runner, web)
    job = store.add("index", {"path": str(path)})
    assert store.claim() is not None
    runner.start()
    assert ended(store, job).state is JobState.SUCCEEDED
    assert shop.catalog.one("M1").title == "Mug"
    until(lambda: not path.exists())


def test_a_job_waits_for_another_writer(
    runner: JobRunner,
    store: JobStore,
    shop: Shop,
    web: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the command line indexes, the job stays queued and says why; then it is done."""
    monkeypatch.setattr(jobs_runner, "_LOOK_EVERY_S", 0.05)
    with writer_lock(shop.settings.data):
        job = runner.submit({"path": str(upload(runner, web))})
        runner.start()
        until(lambda: bool(store.get(job.id).error))
        assert store.get(job.id).state is JobState.QUEUED
        assert "being indexed" in (store.get(job.id).error or "")
    finished = ended(store, job)
    assert (finished.state, finished.error) == (JobState.SUCCEEDED, None)


def test_two_servers_do_a_job_once(shop: Shop, store: JobStore, web: str) -> None:
    """A second runner over the same data leaves the first one's running job alone."""
    first, second = JobRunner(shop, store), JobRunner(shop, store)
    first.start()
    job = first.submit({"path": str(upload(first, web))})
    second.start()
    assert ended(store, job).progress["products_created"] == 1
    first.close()
    second.close()


def test_the_second_server_takes_over(
    shop: Shop, store: JobStore, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server that does the jobs ends, the other one goes on with them."""
    monkeypatch.setattr(jobs_runner, "_LOOK_EVERY_S", 0.05)
    first, second = JobRunner(shop, store), JobRunner(shop, store)
    first.start()
    time.sleep(0.1)
    second.start()
    first.close()
    job = second.submit({"path": str(upload(second, web))})
    assert ended(store, job).state is JobState.SUCCEEDED
    second.close()


def test_a_stopping_server_puts_its_job_back(
    runner: JobRunner, store: JobStore, shop: Shop, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that runs when the server stops is queued again, and its upload kept."""
    path = upload(runner, web)
    whole = shop.index

    def index_until_told(*arguments: object, **options: object) -> object:
        cancel = options["cancel"]
        assert cancel.wait(10)  # type: ignore[attr-defined]  # an Event
        return whole(*arguments, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(shop, "index", index_until_told)
    job = runner.submit({"path": str(path)})
    runner.start()
    until(lambda: store.get(job.id).state is JobState.RUNNING)
    runner.close()
    assert store.get(job.id).state is JobState.QUEUED
    assert path.exists()


def test_a_missing_file_fails_the_job_not_the_runner(
    runner: JobRunner, store: JobStore, web: str
) -> None:
    """A job whose file is gone fails with words, and the next one is done."""
    broken = runner.submit({"path": str(runner.uploads / "gone.feed")})
    good = runner.submit({"path": str(upload(runner, web))})
    runner.start()
    failed = ended(store, broken)
    assert failed.state is JobState.FAILED
    assert "gone.feed" in (failed.error or "")
    assert ended(store, good).state is JobState.SUCCEEDED


def test_the_unforeseen_fails_the_job_not_the_runner(
    runner: JobRunner,
    store: JobStore,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An exception nobody thought of ends the job with a hint to the log, where it is."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the cable is out")

    monkeypatch.setattr(shop, "index", fail)
    job = runner.submit({"path": "x"})
    runner.start()
    failed = ended(store, job)
    assert failed.state is JobState.FAILED
    assert "cable" not in (failed.error or "")
    assert "the cable is out" in caplog.text


def test_remains_of_cut_off_uploads_are_removed(
    runner: JobRunner, store: JobStore, web: str
) -> None:
    """Old files of no job go when a server starts; new ones and those of waiting jobs stay."""
    old, new, waiting = (upload(runner, web, name) for name in ("old", "new", "waiting"))
    store.add("other", {}, job_id="waiting")
    store.claim()
    long_ago = time.time() - 200_000
    for path in (old, waiting):
        os.utime(path, (long_ago, long_ago))
    job = store.add("index", {"path": str(upload(runner, web))})
    store.cancel(job.id)
    runner._recover()
    assert not old.exists()
    assert new.exists()
    assert waiting.exists()


def test_a_cancelled_job_loses_its_upload(runner: JobRunner, web: str) -> None:
    """A queued job that is cancelled takes its file with it."""
    path = upload(runner, web)
    job = runner.submit({"path": str(path)})
    assert runner.cancel(job.id).state is JobState.CANCELLED
    assert not path.exists()
