from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.errors import NotFoundError
from shopsight.images.boxes import WHOLE, Box
from shopsight.search.cache import EmbeddingCache, RecentPhotos, embedding_key


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def vector(value: float, dimension: int = 256) -> np.ndarray:
    """A vector of one number."""
    return np.full(dimension, value, np.float32)


def test_keys_tell_everything_apart() -> None:
    """Other bytes, another box or another encoder make another key; the same make the same."""
    box = Box(0.1, 0.2, 0.5, 0.6)
    made = [
        embedding_key(b"photo", None, "lite-1"),
        embedding_key(b"photo", WHOLE, "lite-1"),
        embedding_key(b"photo", box, "lite-1"),
        embedding_key(b"photo", box._replace(x2=0.5 + 1e-12), "lite-1"),
        embedding_key(b"other", None, "lite-1"),
        embedding_key(b"photo", None, "lite-2"),
        embedding_key(b"\nphoto", None, "lite-1"),
    ]
    assert len(set(made)) == len(made)
    assert embedding_key(b"photo", Box(*box), "lite-1") == made[2]


def test_embeddings_are_made_once() -> None:
    """A repeated query is not encoded again, and the counters tell so."""
    cache, calls = EmbeddingCache(), []

    def encode() -> np.ndarray:
        calls.append(1)
        return vector(1)

    for _ in range(3):
        assert np.array_equal(cache.encoded(b"key", encode), vector(1))
    assert len(calls) == 1
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.entries, stats.evictions) == (2, 1, 1, 0)
    assert stats.bytes > 1024


def test_kept_vectors_cannot_change() -> None:
    """Neither who gave a vector nor who got it can change what others get."""
    cache, given_ = EmbeddingCache(), vector(1)
    cache.put(b"key", given_)
    given_[:] = 2
    found = cache.get(b"key")
    assert found is not None
    assert np.array_equal(found, vector(1))
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 3


def test_the_longest_unused_embedding_makes_room() -> None:
    """When memory is full the entry not used for longest goes, however old the others are."""
    cache = EmbeddingCache(max_bytes=3 * (1024 + 300))
    for key in (b"a", b"b", b"c"):
        cache.put(key, vector(1))
    assert cache.get(b"a") is not None
    cache.put(b"d", vector(1))
    assert cache.get(b"b") is None
    assert all(cache.get(key) is not None for key in (b"a", b"c", b"d"))
    assert cache.stats().evictions == 1


def test_a_cache_of_no_size_keeps_nothing() -> None:
    """Caching can be switched off: vectors are handed through."""
    cache = EmbeddingCache(max_bytes=0)
    assert np.array_equal(cache.encoded(b"key", lambda: vector(5)), vector(5))
    assert cache.get(b"key") is None
    assert (cache.stats().entries, cache.stats().bytes) == (0, 0)


def test_cleared() -> None:
    """After clearing nothing is known, and the counters go on."""
    cache, photos = EmbeddingCache(), RecentPhotos()
    cache.encoded(b"key", lambda: vector(1))
    cache.clear()
    assert cache.get(b"key") is None
    assert cache.stats().misses == 2
    image_id = photos.add(b"photo")
    photos.clear()
    with pytest.raises(NotFoundError):
        photos.get(image_id)
    assert photos.stats().bytes == 0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=60), st.integers(0, 9000)
)
def test_embeddings_never_take_more_than_allowed(
    puts: list[tuple[int, int]], max_bytes: int
) -> None:
    """Whatever is put in, memory stays in its bounds, and what is found is what was put last."""
    cache, last = EmbeddingCache(max_bytes), {}
    for key, size in puts:
        last[key] = vector(size, size)
        cache.put(bytes([key]), last[key])
        assert cache.stats().bytes <= max_bytes
        for known, expected in last.items():
            found = cache.get(bytes([known]))
            assert found is None or np.array_equal(found, expected)
    stats = cache.stats()
    held = [value for key in last if (value := cache.get(bytes([key]))) is not None]
    assert stats.entries == len(held)
    assert stats.bytes == sum(value.nbytes + 300 for value in held)


def test_threads_share_a_cache() -> None:
    """Many threads at once get right vectors, and no look-up is lost from the counters."""
    cache = EmbeddingCache(max_bytes=20 * (1024 + 300))

    def ask(number: int) -> bool:
        key = number % 37
        return bool((cache.encoded(bytes([key]), lambda: vector(key)) == key).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(2000)))
    stats = cache.stats()
    assert stats.hits + stats.misses == 2000
    assert stats.bytes <= 20 * (1024 + 300)


def test_photos_come_back(clock: Clock) -> None:
    """A photo is had by its id; the same photo gets another id each time, which nobody guesses."""
    photos = RecentPhotos(clock=clock)
    ids = [photos.add(b"photo") for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(len(image_id) >= 22 for image_id in ids)
    assert photos.get(ids[7]) == b"photo"
    assert photos.stats().hits == 1


def test_photos_are_forgotten_after_their_time(clock: Clock) -> None:
    """A photo nobody asks for is gone after its time, with an error that says what to do."""
    photos = RecentPhotos(max_age_s=900, clock=clock)
    used, unused = photos.add(b"used"), photos.add(b"unused")
    clock.now += 800
    assert photos.get(used) == b"used"
    clock.now += 200
    assert photos.get(used) == b"used"
    with pytest.raises(NotFoundError, match=r"15 minutes.*[Ss]end the photo again"):
        photos.get(unused)
    clock.now += 2000
    photos.forget_old()
    stats = photos.stats()
    assert (stats.entries, stats.bytes, stats.evictions) == (0, 0, 2)


def test_unknown_photos(clock: Clock) -> None:
    """An id that was never given out is answered like one that is too old."""
    photos = RecentPhotos(clock=clock)
    for image_id in ("", "no such id", "../../etc/passwd"):
        with pytest.raises(NotFoundError, match="not known"):
            photos.get(image_id)
    assert photos.stats().misses == 3


def test_photos_are_bounded_in_bytes(clock: Clock) -> None:
    """The photo not used for longest makes room; one too large for all is not remembered."""
    photos = RecentPhotos(max_bytes=3 * 1300, clock=clock)
    first, second, third = (photos.add(bytes(1000)) for _ in range(3))
    photos.get(first)
    fourth = photos.add(bytes(1000))
    for image_id in (first, third, fourth):
        assert photos.get(image_id) == bytes(1000)
    with pytest.raises(NotFoundError):
        photos.get(second)
    assert photos.add(bytes(5000)) == ""
    assert photos.get(first) == bytes(1000)


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 40)), max_size=40))
def test_photos_never_take_more_than_allowed(added: list[tuple[int, float]]) -> None:
    """Whatever comes and when, memory stays in bounds and only young photos are known."""
    clock = Clock()
    photos = RecentPhotos(max_bytes=4000, max_age_s=100, clock=clock)
    known: dict[str, tuple[float, int]] = {}
    for size, wait in added:
        clock.now += wait
        image_id = photos.add(bytes(size))
        known[image_id] = clock.now, size
        assert photos.stats().bytes <= 4000
    photos.forget_old()
    alive = [size for at, size in known.values() if clock.now - at < 100]
    assert photos.stats().entries <= len(alive)


def test_threads_share_photos() -> None:
    """Many threads at once each get their own photo back."""
    photos = RecentPhotos()

    def ask(number: int) -> bool:
        data = str(number).encode()
        return photos.get(photos.add(data)) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(1000)))
