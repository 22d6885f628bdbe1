from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.encoders.base import Pixels, Vectors
from shopsight.encoders.batching import MicroBatcher
from shopsight.errors import EncoderError
from shopsight.testing.fakes import SIZE, ThumbnailEncoder


class GatedEncoder(ThumbnailEncoder):
    """Encodes only while its gate is open, keeps the batch sizes, and fails on black pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.sizes: list[int] = []

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed pictures when the gate is open."""
        self.entered.set()
        assert self.gate.wait(10)
        self.sizes.append(len(pixels))
        if any(not picture.any() for picture in pixels):
            raise EncoderError("black picture")
        return super().encode_images(pixels)


def pictures(count: int) -> Pixels:
    """Different pictures, none of them black."""
    rng = np.random.default_rng(0)
    return rng.integers(1, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def queued(batcher: MicroBatcher, count: int) -> None:
    """Wait until so many callers queue."""
    deadline = time.monotonic() + 10
    while len(batcher._queue) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def run_behind(encoder: GatedEncoder, batcher: MicroBatcher, pixels: Pixels) -> list[object]:
    """Let one caller hold the encoder until all others queue; return each one's result or error."""

    def ask(picture: np.ndarray) -> object:
        try:
            return batcher.encode(picture)
        except EncoderError as error:
            return error

    with ThreadPoolExecutor(len(pixels)) as pool:
        encoder.gate.clear()
        encoder.entered.clear()
        first = pool.submit(ask, pixels[0])
        assert encoder.entered.wait(10)
        rest = []
        for number, picture in enumerate(pixels[1:], start=1):
            rest.append(pool.submit(ask, picture))
            queued(batcher, number)
        encoder.gate.set()
        return [call.result(timeout=10) for call in [first, *rest]]


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Interrupts the main thread as Ctrl-C does, also where the shell made tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident
    yield lambda: signal.pthread_kill(main, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_one_caller_is_served_at_once():
    """A lone caller gets the encoder's own vector, in its own thread, as a batch of one."""
    encoder = GatedEncoder()
    picture = pictures(1)
    vector = MicroBatcher(encoder).encode(picture[0])
    np.testing.assert_array_equal(vector, ThumbnailEncoder().encode_images(picture)[0])
    assert encoder.sizes == [1]


def test_callers_who_queue_are_encoded_together():
    """Those who come while a batch runs form the next batches, none larger than allowed."""
    encoder = GatedEncoder()
    batcher = MicroBatcher(encoder, max_batch=4)
    pixels = pictures(10)
    found = run_behind(encoder, batcher, pixels)
    assert encoder.sizes == [1, 4, 4, 1]
    np.testing.assert_allclose(found, ThumbnailEncoder().encode_images(pixels), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 8)), st.integers(1, 9))
def test_errors_reach_only_their_caller(black, max_batch):
    """However bad pictures mix with good ones in batches, each caller gets its own outcome."""
    encoder = GatedEncoder()
    pixels = pictures(9)
    pixels[list(black)] = 0
    found = run_behind(encoder, MicroBatcher(encoder, max_batch), pixels)
    failed = {number for number, outcome in enumerate(found) if isinstance(outcome, EncoderError)}
    assert failed == black
    good = [number for number in range(9) if number not in black]
    expected = ThumbnailEncoder().encode_images(pixels[good])
    for number, vector in zip(good, expected, strict=True):
        np.testing.assert_allclose(found[number], vector, atol=1e-6)


def test_many_threads_get_their_own_vectors():
    """Under load from many threads, every answer belongs to its question."""
    batcher = MicroBatcher(ThumbnailEncoder(), max_batch=8)
    pixels = pictures(400)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(batcher.encode, pixels))
    np.testing.assert_allclose(found, ThumbnailEncoder().encode_images(pixels), atol=1e-6)


def test_wrong_pixels_are_refused_before_they_queue():
    """A picture of a wrong shape or type is an error of its caller, and reaches no batch."""
    encoder = GatedEncoder()
    batcher = MicroBatcher(encoder)
    for wrong in (np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE, 3), np.float32)):
        with pytest.raises(EncoderError, match="takes uint8 pixels"):
            batcher.encode(wrong)
    assert encoder.sizes == []


def test_close_drains():
    """Closing waits for pictures already taken, whose callers get their vectors; then no more."""
    encoder = GatedEncoder()
    batcher = MicroBatcher(encoder, max_batch=1)
    encoder.gate.clear()
    pixels = pictures(3)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(batcher.encode, picture) for picture in pixels]
        queued(batcher, 2)
        closing = pool.submit(batcher.close)
        while not batcher._closed:
            time.sleep(0.001)
        assert not closing.done()
        encoder.gate.set()
        closing.result(timeout=10)
        assert encoder.sizes == [1, 1, 1]
        assert all(call.result(timeout=10).shape == (192,) for call in calls)
    with pytest.raises(EncoderError, match="shutting down"):
        batcher.encode(pixels[0])
    batcher.close()


def test_pictures_of_one_caller_go_together():
    """Several pictures of one call are one batch where they fit, and come back in order."""
    pixels = pictures(5)
    expected = ThumbnailEncoder().encode_images(pixels)
    for most, sizes in ((8, [5]), (2, [2, 2, 1])):
        encoder = GatedEncoder()
        found = MicroBatcher(encoder, max_batch=most).encode_all(pixels)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert encoder.sizes == sizes
    with pytest.raises(EncoderError):
        MicroBatcher(ThumbnailEncoder()).encode_all(pixels.astype(np.float32))


def test_interrupted_leader_leaves_nobody_behind():
    """When the thread that runs a batch is interrupted, the others of the batch are served."""

    class Interrupted(GatedEncoder):
        def encode_images(self, pixels: Pixels) -> Vectors:
            vectors = super().encode_images(pixels)
            if self.sizes == [1, 3]:
                raise KeyboardInterrupt
            return vectors

    encoder = Interrupted()
    batcher = MicroBatcher(encoder, max_batch=3)
    pixels = pictures(6)
    outcomes: dict[int, object] = {}

    def ask(number: int) -> None:
        try:
            outcomes[number] = batcher.encode(pixels[number])
        except KeyboardInterrupt as error:
            outcomes[number] = error

    encoder.gate.clear()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(pixels))]
    threads[0].start()
    assert encoder.entered.wait(10)
    for number, thread in enumerate(threads[1:], start=1):
        thread.start()
        queued(batcher, number)
    encoder.gate.set()
    for thread in threads:
        thread.join(10)
    assert isinstance(outcomes.pop(1), KeyboardInterrupt)
    expected = ThumbnailEncoder().encode_images(pixels)
    assert sorted(outcomes) == [0, 2, 3, 4, 5]
    for number, vector in outcomes.items():
        np.testing.assert_allclose(vector, expected[number], atol=1e-6)


def test_interrupted_follower_blocks_nobody(ctrl_c):
    """Ctrl-C while a caller queues ends its call; the others are served, and its picture is not."""
    encoder = GatedEncoder()
    batcher = MicroBatcher(encoder, max_batch=1)
    pixels = pictures(3)

    def interrupt() -> None:
        queued(batcher, 1)
        ctrl_c()

    encoder.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batcher.encode, pixels[0])
        assert encoder.entered.wait(10)
        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            batcher.encode(pixels[1])
        last = pool.submit(batcher.encode, pixels[2])
        queued(batcher, 1)
        encoder.gate.set()
        assert first.result(timeout=10).shape == (192,)
        assert last.result(timeout=10).shape == (192,)
    assert encoder.sizes == [1, 1]


def test_idle_overhead_is_small():
    """For a lone caller, going through the batcher costs less than a tenth of a millisecond."""
    encoder = ThumbnailEncoder()
    batcher = MicroBatcher(encoder)
    picture = pictures(1)[0]

    def best(call) -> float:
        times = []
        for _ in range(300):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    bare = best(lambda: encoder.encode_images(picture[None]))
    assert best(lambda: batcher.encode(picture)) - bare < 1e-4


def test_batch_size_must_be_positive():
    """A batcher that could take no picture is refused when it is made."""
    with pytest.raises(ValueError, match="at least 1"):
        MicroBatcher(ThumbnailEncoder(), max_batch=0)
