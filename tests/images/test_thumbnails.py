from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.errors import DecodeError
from shopsight.images.decoding import ImageLimits
from shopsight.images.thumbnails import WIDTHS, ThumbnailCache, thumbnail, thumbnail_size

LIMITS = ImageLimits()
DIGEST = "ab" * 32
OTHER = "cd" * 32


def jpeg(width: int, height: int, *, orientation: int = 1) -> bytes:
    """A JPEG whose left half is red and whose right half is blue, as it is stored."""
    image = Image.new("RGB", (width, height), (200, 20, 20))
    image.paste((20, 20, 200), (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Secret Phone"
    target = io.BytesIO()
    image.save(target, "JPEG", quality=95, exif=exif)
    return target.getvalue()


def webp(length: int) -> bytes:
    """Bytes that look like a whole WebP file of some length."""
    return b"RIFF" + (length - 8).to_bytes(4, "little") + b"x" * (length - 8)


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.sampled_from(WIDTHS))
def test_thumbnails_fit_and_keep_their_shape(width: int, height: int, wanted: int) -> None:
    """No thumbnail is wider than asked, taller than twice that, enlarged, or bent."""
    made = thumbnail_size((width, height), wanted)
    assert 1 <= made[0] <= min(wanted, width)
    assert 1 <= made[1] <= min(2 * wanted, height)
    scale = max(made[0] / width, made[1] / height)
    assert abs(made[0] - width * scale) <= 1.5 or abs(made[1] - height * scale) <= 1.5


@pytest.mark.parametrize("size", [(1000, 700), (700, 1000), (2999, 1501), (90, 60), (300, 2900)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_thumbnail_has_the_size_that_was_promised(
    size: tuple[int, int], orientation: int
) -> None:
    """Whatever scale the decoder reduces by, the file has the size that pages reserved for it."""
    upright = size if orientation == 1 else size[::-1]
    with Image.open(io.BytesIO(thumbnail(jpeg(*size, orientation=orientation), 320, LIMITS))) as it:
        assert it.size == thumbnail_size(upright, 320)


def test_a_thumbnail_is_upright_and_tells_nothing() -> None:
    """A photo taken sideways stands upright in its thumbnail, which carries no metadata."""
    data = thumbnail(jpeg(400, 300, orientation=6), 160, LIMITS)  # turned right: red comes on top
    assert b"Secret" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "WEBP"
        assert image.getexif() == {}
        top, bottom = image.convert("RGB").getpixel((80, 10)), image.getpixel((80, 200))
    assert top[0] > top[2]
    assert bottom[2] > bottom[0]


def test_limits_hold_for_thumbnails() -> None:
    """A picture beyond the limits of pixels is refused before it is decoded."""
    with pytest.raises(DecodeError, match="more than the 10000 allowed"):
        thumbnail(jpeg(200, 100), 160, ImageLimits(max_pixels=10_000))


def test_kept_thumbnails_come_back(tmp_path: Path) -> None:
    """What was put in comes out, by picture and by width; a second cache finds it too."""
    cache = ThumbnailCache(tmp_path / "thumbnails", 10_000)
    assert cache.get(DIGEST, 160) is None
    cache.put(DIGEST, 160, webp(100))
    cache.put(DIGEST, 320, webp(200))
    again = ThumbnailCache(tmp_path / "thumbnails", 10_000)
    assert again.get(DIGEST, 160) == webp(100)
    assert again.get(DIGEST, 320) == webp(200)
    assert again.get(OTHER, 160) is None


def test_the_folder_stays_within_its_bound(tmp_path: Path) -> None:
    """However much is put in, the folder is never larger; what was used last stays longest."""
    cache = ThumbnailCache(tmp_path, 10_000)
    cache.put(DIGEST, 160, webp(900))
    for number in range(60):
        for path in tmp_path.glob("*/*"):
            if not path.name.startswith(DIGEST):
                os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))
        assert cache.get(DIGEST, 160) is not None
        cache.put(f"{number:064x}", 160, webp(700))
        assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 10_000
    assert cache.get("0" * 64, 160) is None
    assert cache.get(f"{59:064x}", 160) == webp(700)


def test_a_bound_of_zero_keeps_nothing(tmp_path: Path) -> None:
    """Without room nothing is written; nor is a thumbnail that would crowd out all others."""
    ThumbnailCache(tmp_path, 0).put(DIGEST, 160, webp(100))
    ThumbnailCache(tmp_path, 1000).put(DIGEST, 160, webp(900))
    assert list(tmp_path.iterdir()) == []


def test_half_a_file_is_no_thumbnail(tmp_path: Path) -> None:
    """A file that a power cut left incomplete is made anew, not served."""
    cache = ThumbnailCache(tmp_path, 10_000)
    cache.put(DIGEST, 160, webp(100))
    (path,) = tmp_path.glob("*/*")
    for rest in (b"", webp(100)[:50]):
        path.write_bytes(rest)
        assert cache.get(DIGEST, 160) is None


def test_a_folder_that_cannot_be_written_costs_speed_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nothing can be kept, putting fails quietly, with a warning in the log."""
    (tmp_path / "thumbnails").write_text("in the way")
    cache = ThumbnailCache(tmp_path / "thumbnails", 10_000)
    cache.put(DIGEST, 160, webp(100))
    assert cache.get(DIGEST, 160) is None
    assert "cannot be kept" in caplog.text
