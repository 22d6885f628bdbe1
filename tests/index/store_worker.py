"""Program that tests start as another process: it writes to a store and reports on what happens."""

from __future__ import annotations

import os
import resource
import signal
import sys

from shopsight import plugins
from shopsight.errors import ShopsightError
from shopsight.index.base import VectorStore
from shopsight.testing import store_cases as cases

BATCH = 20


def main(task: str, store_name: str, uri: str) -> None:
    """Run one task against the collection ``shop``."""
    factory = plugins.load("stores", store_name)
    if task == "read-only":
        os.seteuid(65534)  # nobody; root may write anywhere
    try:
        store = factory.open(uri, "shop", cases.schema(), create=True)
        _write(task, store)
        store.close()
    except ShopsightError as error:
        sys.stdout.write(f"{type(error).__name__} {error}\n")


def _write(task: str, store: VectorStore) -> None:
    if task == "endless":
        number = 0
        while True:
            store.upsert(cases.records(BATCH, prefix=f"batch{number}-", seed=number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            if number % 10 == 9:
                store.optimize()
            number += 1
    if task == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.RLIM_INFINITY))
    store.upsert(cases.records(BATCH if task == "write" else 500))


if __name__ == "__main__":
    main(*sys.argv[1:])
