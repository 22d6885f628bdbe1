from __future__ import annotations

import asyncio
import threading

import pytest

from shopsight.api.problems import ProblemError
from shopsight.api.workers import Workers


def test_results_and_errors_come_back() -> None:
    """What the function returns is returned, what it raises is raised, a TimeoutError too."""

    def fail(error: Exception) -> None:
        raise error

    async def run() -> None:
        workers = Workers("test", threads=1, waiting=1, timeout_s=5)
        assert await workers.run(divmod, 7, 2) == (3, 1)
        for error in (KeyError("x"), TimeoutError("its own")):
            with pytest.raises(type(error)):
                await workers.run(fail, error)
        workers.close()

    asyncio.run(run())


def test_calls_that_take_too_long_are_given_up() -> None:
    """A running call is answered with 504, one that never began with 503; both in time."""
    release = threading.Event()

    async def run() -> None:
        workers = Workers("test", threads=1, waiting=5, timeout_s=0.1)
        answers = await asyncio.gather(
            *(workers.run(release.wait, 5) for _ in range(3)), return_exceptions=True
        )
        statuses = [answer.status for answer in answers if isinstance(answer, ProblemError)]
        assert statuses == [504, 503, 503]
        release.set()
        workers.close()

    asyncio.run(run())


def test_the_queue_is_bounded() -> None:
    """Calls beyond the threads and the places to wait are refused at once, and only those."""
    release = threading.Event()

    async def run() -> None:
        workers = Workers("test", threads=1, waiting=2, timeout_s=5)
        calls = [asyncio.create_task(workers.run(release.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as refused:
            await workers.run(release.wait, 5)
        assert (refused.value.status, refused.value.reason) == (503, "overloaded")
        release.set()
        assert await asyncio.gather(*calls) == [True, True, True]
        assert await workers.run(int, "7") == 7
        workers.close()

    asyncio.run(run())


def test_a_call_that_was_given_up_keeps_its_thread() -> None:
    """As long as it runs, no other call takes its place: threads stay bounded."""
    release = threading.Event()
    running = 0
    most = 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        release.wait(5)
        running -= 1

    async def run() -> None:
        workers = Workers("test", threads=2, waiting=20, timeout_s=0.05)
        await asyncio.gather(*(workers.run(work) for _ in range(8)), return_exceptions=True)
        release.set()
        workers.close()

    asyncio.run(run())
    assert most == 2


def test_calls_of_a_closed_server_end_quietly() -> None:
    """A call that outlives its event loop disturbs nobody."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(5)
        ended.set()

    async def run() -> None:
        workers = Workers("test", threads=1, waiting=1, timeout_s=0.05)
        with pytest.raises(ProblemError):
            await workers.run(work)
        workers.close()

    asyncio.run(run())
    release.set()
    assert ended.wait(5)
