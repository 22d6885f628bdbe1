from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shopsight.catalog import jobs as jobs_module
from shopsight.catalog.database import Database
from shopsight.catalog.jobs import JobState, JobStore
from shopsight.errors import NotFoundError


class Ticks:
    """A clock that moves on by one second with every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """One second later than before."""
        self.now += 1
        return self.now


@pytest.fixture
def database(tmp_path: Path):
    """An empty database."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    """A store whose clock ticks."""
    return JobStore(database, clock=Ticks())


def test_jobs_are_taken_up_in_order(store: JobStore) -> None:
    """The oldest queued job comes first, each only once, and then there is none."""
    first, second = store.add("index", {"feed": "a"}), store.add("index", {"feed": "b"})
    taken = [store.claim(), store.claim(), store.claim()]
    assert [job.id if job else None for job in taken] == [first.id, second.id, None]
    assert taken[0] is not None
    assert taken[0].state is JobState.RUNNING
    assert taken[0].started_at is not None
    assert taken[0].request == {"feed": "a"}


def test_a_job_is_given_to_one_of_many(database: Database) -> None:
    """Of eight threads that ask at once for five jobs, each job goes to exactly one."""
    store = JobStore(database)
    wanted = {store.add("index", {"n": number}).id for number in range(5)}
    start = threading.Barrier(8)
    taken: list[str] = []

    def ask() -> None:
        start.wait()
        while (job := store.claim()) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)


def test_progress_and_result_are_kept(store: JobStore) -> None:
    """Counters are seen while a job runs, and its result after it ended."""
    job = store.add("index", {})
    store.claim()
    assert store.progress(job.id, {"rows": 3}) is JobState.RUNNING
    assert store.get(job.id).progress == {"rows": 3}
    store.finish(job.id, JobState.SUCCEEDED, progress={"rows": 9})
    ended = store.get(job.id)
    assert (ended.state, ended.progress, ended.error) == (JobState.SUCCEEDED, {"rows": 9}, None)
    assert ended.finished_at is not None


def test_a_failed_job_keeps_its_counters_and_says_why(store: JobStore) -> None:
    """Ending without a result keeps what was noted last, next to the error."""
    job = store.add("index", {})
    store.claim()
    store.progress(job.id, {"rows": 3})
    store.finish(job.id, JobState.FAILED, error="no such feed")
    ended = store.get(job.id)
    assert (ended.state, ended.progress, ended.error) == (
        JobState.FAILED,
        {"rows": 3},
        "no such feed",
    )


def test_cancelling_a_queued_job_ends_it_at_once(store: JobStore) -> None:
    """A job that has not begun is never taken up after its cancellation."""
    job = store.add("index", {})
    assert store.waits(job.id)
    assert store.cancel(job.id).state is JobState.CANCELLED
    assert store.claim() is None
    assert not store.waits(job.id)


def test_cancelling_a_running_job_is_seen_by_its_worker(store: JobStore) -> None:
    """The worker learns of the wish from the answer to its next note."""
    job = store.add("index", {})
    store.claim()
    assert store.cancel(job.id).state is JobState.CANCELLING
    assert store.progress(job.id, {}) is JobState.CANCELLING


def test_a_finished_job_cannot_be_cancelled(store: JobStore) -> None:
    """Its state stays, so that the call may be repeated without harm."""
    job = store.add("index", {})
    store.claim()
    store.finish(job.id, JobState.SUCCEEDED)
    assert store.cancel(job.id).state is JobState.SUCCEEDED


def test_jobs_of_a_killed_server_are_queued_again(store: JobStore) -> None:
    """Running jobs go back into the queue, those told to stop end, the others stay as they are."""
    running, stopping, waiting = (store.add("index", {"n": number}) for number in range(3))
    store.claim()
    store.claim()
    store.cancel(stopping.id)
    recovered = {job.id: job.state for job in store.recover()}
    assert recovered == {running.id: JobState.QUEUED, stopping.id: JobState.CANCELLED}
    assert store.get(waiting.id).state is JobState.QUEUED
    again = store.claim()
    assert again is not None
    assert again.id == running.id
    assert again.error is None


def test_unknown_jobs_are_named(store: JobStore) -> None:
    """Asking for, cancelling or noting progress of a job that is not there says which."""
    for call in (store.get, store.cancel, lambda job_id: store.progress(job_id, {})):
        with pytest.raises(NotFoundError, match="nosuch"):
            call("nosuch")


def test_jobs_are_listed_newest_first(store: JobStore) -> None:
    """The list is bounded and begins with the newest; counts cover every state."""
    made = [store.add("index", {}).id for _ in range(4)]
    assert [job.id for job in store.newest(limit=2)] == [made[3], made[2]]
    assert store.counts() == dict.fromkeys(JobState, 0) | {JobState.QUEUED: 4}


def test_old_finished_jobs_are_forgotten(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest finished jobs are kept; a waiting one is kept however old it is."""
    monkeypatch.setattr(jobs_module, "KEPT", 2)
    waiting = store.add("index", {})
    ended = [store.add("index", {}).id for _ in range(4)]
    for job_id in ended:
        store.finish(job_id, JobState.SUCCEEDED)
    newest = store.add("index", {})
    assert [job.id for job in store.newest()] == [newest.id, ended[3], ended[2], waiting.id]
