from __future__ import annotations

import pytest

from shopsight.encoders.engines import batch_size, usable_cores


@pytest.mark.parametrize(("threads", "expected"), [(1, 32), (2, 32), (8, 64), (256, 256)])
def test_batches_grow_with_the_threads(threads, expected):
    """Batches keep all threads busy, and stay within bounds."""
    assert batch_size("auto", threads) == expected


def test_devices_get_larger_batches():
    """A graphics processor gets more at once than the cores of a processor."""
    assert batch_size("cuda", 2) > batch_size("onnxruntime", 2)


def test_cores_are_counted():
    """There is at least one core to use, and by default all count."""
    assert usable_cores() >= 1
    assert batch_size("auto") == batch_size("auto", usable_cores())
