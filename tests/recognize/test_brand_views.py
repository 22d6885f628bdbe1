from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shopsight.errors import DecodeError
from shopsight.images.prepare import ImageLimits
from shopsight.recognize.brand_views import crop_views, logo_of, logo_views

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000, min_side=1)


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_see_through_logo_keeps_its_colours(sample_shop: Path) -> None:
    """Alpha and colours come back as they are in the file, cut to what is seen."""
    path = sample_shop / "logos" / "Kavoa.png"
    logo = logo_of(path.read_bytes(), LIMITS)
    with Image.open(path) as stored:
        expected = stored.convert("RGBA")
    box = expected.getchannel("A").point([0] * 32 + [255] * 224).getbbox()
    expected = expected.crop(box)
    assert logo.size == expected.size
    ours, theirs = np.asarray(logo, np.int16), np.asarray(expected, np.int16)
    assert np.abs(ours[..., 3] - theirs[..., 3]).max() <= 2
    solid = theirs[..., 3] > 250
    assert np.abs(ours[solid] - theirs[solid]).max() <= 3


def test_a_plain_ground_is_taken_away() -> None:
    """A logo on a plain ground is cut out; a picture all over stays as it is."""
    image = Image.new("RGB", (120, 80), "white")
    ImageDraw.Draw(image).rectangle((40, 30, 80, 50), fill="red")
    logo = logo_of(png(image), LIMITS)
    assert logo.width < 60
    assert logo.getpixel((logo.width // 2, logo.height // 2)) == (255, 0, 0, 255)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert logo_of(png(Image.fromarray(noise)), LIMITS).size == (64, 64)


def test_a_logo_of_nothing_is_refused() -> None:
    """A picture that is see-through all over is no logo, and says so."""
    with pytest.raises(DecodeError, match="see-through") as caught:
        logo_of(png(Image.new("RGBA", (50, 50))), LIMITS)
    assert caught.value.reason == "blank"


def test_views_show_the_logo_in_many_ways(sample_shop: Path) -> None:
    """Views are squares that differ, and the same state of chance gives the same ones."""
    logo = logo_of((sample_shop / "logos" / "Lumetra.png").read_bytes(), LIMITS)
    views = logo_views(logo, np.random.default_rng(3), side=48, count=12)
    again = logo_views(logo, np.random.default_rng(3), side=48, count=12)
    assert [view.tobytes() for view in views] == [view.tobytes() for view in again]
    assert {(view.size, view.mode) for view in views} == {((48, 48), "RGB")}
    grounds = [np.asarray(view)[0, 0].mean() for view in views]
    assert min(grounds) < 120
    assert max(grounds) > 150
    assert all(np.asarray(view).std() > 2 for view in views)


def test_crops_are_shown_in_grey_and_inverted() -> None:
    """A crop is learnt in its colours, without them, and with their opposites."""
    own, grey, inverted = crop_views(Image.new("RGB", (4, 4), (200, 10, 30)))
    assert own.getpixel((0, 0)) == (200, 10, 30)
    assert len(set(grey.getpixel((0, 0)))) == 1  # type: ignore[arg-type]  # RGB: three numbers
    assert inverted.getpixel((0, 0)) == (55, 245, 225)
