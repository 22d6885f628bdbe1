from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shopsight.images.photo_views import Strength, cut_out, photo_view


def thing(ground: tuple[int, int, int] = (250, 250, 250)) -> Image.Image:
    """A red box with a hole that shows the ground, on a plain background."""
    image = Image.new("RGB", (300, 240), ground)
    pencil = ImageDraw.Draw(image)
    pencil.rectangle((90, 60, 209, 179), (200, 30, 30))
    pencil.rectangle((135, 105, 164, 134), ground)
    return image


def rough(seed: int = 0) -> Image.Image:
    """A picture without a plain background."""
    cells = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((320, 240))


@pytest.mark.parametrize("ground", [(250, 250, 250), (20, 30, 60)])
def test_thing_is_cut_out(ground: tuple[int, int, int]) -> None:
    """On a plain ground of any colour the thing is left, to about a pixel of the mask."""
    cut = cut_out(thing(ground))
    assert cut is not None
    assert cut.mode == "RGBA"
    assert abs(cut.width - 120) <= 8
    assert abs(cut.height - 120) <= 8
    assert cut.getpixel((20, 20)) == (200, 30, 30, 255)


def test_enclosed_ground_stays() -> None:
    """What is like the background but does not reach the border belongs to the thing."""
    cut = cut_out(thing())
    assert cut is not None
    assert cut.getpixel((cut.width // 2, cut.height // 2))[3] == 255


def test_white_thing_on_white_is_not_lost() -> None:
    """A thing hardly darker than a clean background is cut out whole."""
    image = Image.new("RGB", (200, 200), (250, 250, 250))
    ImageDraw.Draw(image).rectangle((50, 50, 149, 149), (238, 238, 236))
    cut = cut_out(image)
    assert cut is not None
    assert min(cut.size) > 90


@pytest.mark.parametrize("image", [rough(), Image.new("RGB", (80, 80), "white")])
def test_nothing_to_cut_out(image: Image.Image) -> None:
    """A picture without a plain border, or with nothing on it, is not cut."""
    assert cut_out(image) is None


@pytest.mark.parametrize("image", [thing(), rough()], ids=["plain", "rough"])
def test_same_chance_same_view(image: Image.Image) -> None:
    """A view depends on the picture and the state of chance alone, and differs by chance."""
    first, again, other = (
        photo_view(image, [rough(1), thing()], np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(40, 40), (1200, 300), (64, 900)])
@pytest.mark.parametrize("side", [64, 160])
def test_view_has_the_size_asked_for(size: tuple[int, int], side: int) -> None:
    """Small, wide and tall pictures, plain or not, give square RGB views, others or none."""
    for image in (thing().resize(size), rough().resize(size)):
        for others in ([], [rough(2)]):
            view = photo_view(image, others, np.random.default_rng(0), side=side)
            assert (view.mode, view.size) == ("RGB", (side, side))


def test_background_is_replaced_and_the_thing_stays() -> None:
    """The white around the thing is gone, and its red is still there, in most views."""
    red, white = [], []
    for seed in range(12):
        levels = np.asarray(photo_view(thing(), [], np.random.default_rng(seed)), np.int64)
        is_red = (levels[..., 0] > levels[..., 1] + 60) & (levels[..., 0] > levels[..., 2] + 60)
        red.append(is_red.mean())
        white.append((levels.min(axis=2) > 235).mean())
    assert np.median(red) > 0.08
    assert np.median(white) < 0.3


def test_no_strength_leaves_the_thing_as_it_is() -> None:
    """With no turn, shift, light or damage, the middle of the view has the thing's colour."""
    still = Strength(0.9, 0, 0, 0, 0, 0, 0, 0, 95)
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).rectangle((40, 40, 160, 160), (30, 60, 200))
    view = photo_view(image, [], np.random.default_rng(1), strength=still)
    assert view.getpixel((128, 128)) == pytest.approx((30, 60, 200), abs=8)
