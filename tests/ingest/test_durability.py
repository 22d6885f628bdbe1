from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import select

from shopsight.catalog.database import images
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]

SETTINGS = {
    "SHOPSIGHT_ENCODER": "thumbnail",
    "SHOPSIGHT_WRITE_EVERY_ROWS": "4",
    "SHOPSIGHT_BATCH_SIZE": "4",
    "SHOPSIGHT_LOG_LEVEL": "error",
    "SHOPSIGHT_CALIBRATE": "false",
}


def start(
    feed: Path,
    data: Path,
    *,
    file_limit: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> subprocess.Popen[str]:
    """Start indexing in a process of its own, writing every few pictures."""

    def prepare() -> None:
        # A shell that runs the tests in the background has told its children to ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.Popen(
        [sys.executable, "-m", "shopsight", "index", str(feed), "--data", str(data), "--json"],
        env={**environment, **SETTINGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 - this process starts no thread that the limit could surprise
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, or the process has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not condition():
        time.sleep(0.01)


def holds_lock(process: subprocess.Popen[str], data: Path) -> bool:
    """Whether a process is the one that writes."""
    holder = data / "ingest.holder"
    return holder.exists() and f"process {process.pid}," in holder.read_text()


def acknowledged(shop: Shop) -> set[str]:
    """Pictures that the catalogue says are in the index; each must really be there."""
    with shop.database.begin() as connection:
        rows = connection.execute(
            select(images.c.record_id).where(images.c.index_version.is_not(None))
        )
        ids = set(rows.scalars())
    if ids:
        store = shop._lifecycle.open_active().store
        assert set(store.get(sorted(ids)).ids) == ids
        store.close()
    return ids


def test_kill_at_12_random_moments_loses_nothing(
    open_shop: OpenShop, tmp_path: Path, uncounted: dict[str, str]
) -> None:
    """After kill -9 at any moment, acknowledged pictures are there and only the rest is redone."""
    count = 800
    feed = SmallShop(tmp_path / "feed", count).feed
    data = tmp_path / "data"
    moments = random.Random(7)
    before: set[str] = set()
    watcher = open_shop()
    for turn in range(12):
        process = start(feed, data, environment=uncounted)
        wait_for(lambda process=process: holds_lock(process, data), process)
        if turn % 2:  # half of the moments fall into the writing, the others anywhere
            done = len(before)
            wait_for(lambda done=done: watcher.catalog.counts("v0001").images > done, process)
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = acknowledged(watcher)
        assert before <= now
        before = now
    assert 0 < len(before) < count
    process = start(feed, data, environment=uncounted)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["images_encoded"] == count - len(before)
    shop = open_shop()
    assert len(acknowledged(shop)) == count
    assert shop.index_info().health.rows == count


def test_interrupt_writes_what_is_encoded(open_shop: OpenShop, tmp_path: Path) -> None:
    """Ctrl-C ends the run with a message and its own exit code; no picture is encoded twice."""
    count = 800
    feed = SmallShop(tmp_path / "feed", count).feed
    data = tmp_path / "data"
    process = start(feed, data)
    shop = open_shop()
    wait_for(lambda: shop.catalog.counts("v0001").images > 0, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from here" in err
    done = len(acknowledged(shop))
    assert 0 < done < count
    assert shop.index(feed).counters.images_encoded == count - done


def test_full_disk_loses_nothing(open_shop: OpenShop, tmp_path: Path) -> None:
    """When no file may grow the run ends with advice, and the next one goes on from there."""
    feed = SmallShop(tmp_path / "feed", 300).feed
    data = tmp_path / "data"
    process = start(feed, data, file_limit=150_000)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    shop = open_shop()
    done = len(acknowledged(shop))
    assert shop.index(feed).counters.images_encoded == 300 - done
    assert len(acknowledged(shop)) == 300
