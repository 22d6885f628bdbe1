from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shopsight import plugins
from shopsight.errors import StorageError
from shopsight.index.base import Records, VectorStore
from shopsight.testing import store_cases as cases

WORKER = Path(__file__).with_name("store_worker.py")
STORES = ["lance", "exact"]


def open_store(name: str, uri: Path, *, create: bool = True) -> VectorStore:
    """The collection that the worker writes to."""
    return plugins.load("stores", name).open(str(uri), "shop", cases.schema(), create=create)


@pytest.fixture
def work(uncounted: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Starts another process on a task."""

    def start(task: str, store: str, uri: Path) -> subprocess.Popen[str]:
        command = [sys.executable, str(WORKER), task, store, str(uri)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=uncounted)

    return start


@pytest.fixture
def finished(work: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Has another process do a task; gives what it printed."""

    def finish(task: str, store: str, uri: Path) -> str:
        process = work(task, store, uri)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return output

    return finish


def with_term(rows: Records, term: str) -> set[str]:
    """Keys of the rows with a term."""
    return {key for key, text in zip(rows.ids, rows.texts, strict=True) if term in text.split()}


@pytest.mark.parametrize("store", STORES)
def test_kill_keeps_what_was_acknowledged(store: str, tmp_path: Path, work):
    """After kill -9 at random moments every acknowledged row is there and writing goes on."""
    moments = random.Random(4)
    for round_ in range(2):
        uri = tmp_path / f"{store}{round_}"
        process = work("endless", store, uri)
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline())]
        until = time.monotonic() + moments.uniform(0.05, 0.8)
        while time.monotonic() < until:
            acknowledged.append(int(process.stdout.readline()))
        process.kill()
        rest, _ = process.communicate(timeout=60)
        acknowledged += [int(line) for line in rest.splitlines() if line]
        opened = open_store(store, uri, create=False)
        keys = [f"batch{batch}-{row}" for batch in acknowledged for row in range(20)]
        found = opened.get(keys)
        assert list(found.ids) == keys
        assert opened.search(found.vectors[0], 1).ids[0] == keys[0]
        assert set(opened.search_text("red", 10**6).ids) >= with_term(found, "red")
        opened.upsert(cases.records(5))
        opened.optimize()
        assert opened.count() >= len(keys) + 5
        opened.close()


@pytest.mark.parametrize("store", STORES)
def test_two_processes(store: str, tmp_path: Path, finished):
    """What another process writes is found after a refresh, by a store that was open all along."""
    reader = open_store(store, tmp_path)
    assert reader.count() == 0
    finished("write", store, tmp_path)
    reader.refresh()
    rows = cases.records(20)
    assert reader.search(rows.vectors[4], 1).ids[0] == "row4"
    assert set(reader.search_text("red", 50).ids) == with_term(rows, "red") != set()
    assert reader.count() == 20
    reader.close()


@pytest.mark.parametrize("store", STORES)
def test_full_disk(store: str, tmp_path: Path, finished):
    """A write that the disk cannot hold is a StorageError; earlier rows stay, later writes work."""
    before = open_store(store, tmp_path)
    before.upsert(cases.records(20))
    before.close()
    assert finished("full", store, tmp_path).startswith("StorageError")
    after = open_store(store, tmp_path, create=False)
    assert after.count() == 20
    after.upsert(cases.records(10, prefix="later"))
    assert after.count() == 30
    after.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")
@pytest.mark.parametrize("store", STORES)
def test_read_only_folder_for_root(store: str, tmp_path: Path, finished):
    """A folder that may not be written is a StorageError that speaks of permissions."""
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    open_store(store, tmp_path / "index").close()
    output = finished("read-only", store, tmp_path / "index")
    assert output.startswith("StorageError")
    assert "permissions" in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("store", STORES)
def test_read_only_folder(store: str, tmp_path: Path):
    """A folder that may not be written is a StorageError that speaks of permissions."""
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission"):
        open_store(store, tmp_path)


@pytest.mark.parametrize("store", STORES)
def test_folder_is_a_file(store: str, tmp_path: Path):
    """A path that leads through a file is a StorageError, not a crash."""
    path = tmp_path / "file"
    path.write_text("not a folder")
    with pytest.raises(StorageError, match="file"):
        open_store(store, path)


def _all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("store", STORES)
def test_garbage_in_files(store: str, tmp_path: Path):
    """Files that hold garbage are a StorageError that names the way to rebuild the index."""
    opened = open_store(store, tmp_path)
    opened.upsert(cases.records(20))
    opened.close()
    for path in _all_files(tmp_path):
        path.write_bytes(b"garbage" * 100)
    with pytest.raises(StorageError, match="shopsight"):
        open_store(store, tmp_path)


@pytest.mark.parametrize("part", ["data", "_versions"])
def test_missing_files_of_lance(part: str, tmp_path: Path):
    """Where files of a Lance table are gone, the first use says so and how to rebuild it."""
    opened = open_store("lance", tmp_path)
    opened.upsert(cases.records(20))
    opened.close()
    shutil.rmtree(tmp_path / "shop.lance" / part)
    with pytest.raises(StorageError, match="shopsight"):
        _use(tmp_path)


def _use(uri: Path) -> None:
    opened = open_store("lance", uri)
    try:
        health = opened.health()
        assert not health.ok
        assert "shopsight" in health.detail
        opened.search(cases.vectors(1)[0], 3)
    finally:
        opened.close()


def test_garbage_in_exact_pages(tmp_path: Path):
    """Damage inside a SQLite file that still opens is reported by the health check."""
    opened = open_store("exact", tmp_path)
    opened.upsert(cases.records(2000))
    opened.optimize()
    path = tmp_path / "shop.sqlite"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(content)
    health = opened.health()
    opened.close()
    assert not health.ok
    assert "shopsight" in health.detail
