"""What every finder of regions must do, as tests that plug-ins run on theirs. Needs pytest.

::

    class TestMyFinder(RegionConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def finder(cls):
            finder = MyFinder(threads=1)
            yield finder
            finder.close()
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from shopsight.images.boxes import WHOLE, iou
from shopsight.regions.base import Region, RegionFinder
from shopsight.sample_shop import ROOT

PICTURES = 6
SAME_IOU = 0.9
"""Two boxes that overlap more say the same."""

WHOLE_IOU = 0.95
TOLERANCE = 1e-3


def sample_photos(count: int = PICTURES) -> list[Image.Image]:
    """Photos of the packaged sample shop, spread over all of them.

    Args:
        count: How many, at most as many as there are.

    Returns:
        Pictures of mode RGB.
    """
    paths = sorted((ROOT / "photos").glob("*.jpg"))
    photos = []
    for number in range(count):
        with Image.open(paths[number * len(paths) // count]) as image:
            photos.append(image.convert("RGB"))
    return photos


def check_regions(regions: tuple[Region, ...]) -> None:
    """Assert what holds for the regions of any picture."""
    assert isinstance(regions, tuple)
    for box, confidence in regions:
        assert 0 <= box.x1 < box.x2 <= 1
        assert 0 <= box.y1 < box.y2 <= 1
        assert 0 <= confidence <= 1
        assert iou(box, WHOLE) < WHOLE_IOU
    confidences = [region.confidence for region in regions]
    assert confidences == sorted(confidences, reverse=True)
    for one, other in itertools.combinations(regions, 2):
        assert iou(one.box, other.box) < SAME_IOU


class RegionConformance:
    """Derive a test class and give it a fixture ``finder``; see the module."""

    @pytest.fixture(scope="class")
    @classmethod
    def photos(cls) -> list[Image.Image]:
        """Some pictures with things on them."""
        return sample_photos()

    def test_is_a_finder(self, finder: RegionFinder) -> None:
        """A finder has a name and the methods of the protocol."""
        assert isinstance(finder, RegionFinder)
        assert finder.name

    def test_regions_are_sound(self, finder: RegionFinder, photos: list[Image.Image]) -> None:
        """Boxes lie inside the picture, are no duplicates and not all of it, the surest first."""
        for photo in photos:
            check_regions(finder.find(photo))

    def test_is_deterministic(self, finder: RegionFinder, photos: list[Image.Image]) -> None:
        """The same picture gives the same regions again."""
        assert finder.find(photos[0]) == finder.find(photos[0])

    @pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (17, 16), (1500, 1100)])
    def test_any_size_will_do(self, finder: RegionFinder, size: tuple[int, int]) -> None:
        """Pictures of any size and aspect are looked at without an error."""
        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
        check_regions(finder.find(Image.fromarray(noise)))

    @pytest.mark.parametrize("level", [0, 127, 255])
    def test_plain_pictures_are_no_error(self, finder: RegionFinder, level: int) -> None:
        """A picture of one colour gives regions that are sound, if any."""
        check_regions(finder.find(Image.new("RGB", (320, 240), (level,) * 3)))

    def test_picture_is_left_alone(self, finder: RegionFinder, photos: list[Image.Image]) -> None:
        """Finding does not change the caller's picture."""
        before = photos[0].tobytes()
        finder.find(photos[0])
        assert photos[0].tobytes() == before

    def test_threads_share_a_finder(self, finder: RegionFinder, photos: list[Image.Image]) -> None:
        """Calls from several threads at once give what single calls give."""
        expected = [finder.find(photo) for photo in photos]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(finder.find, photos))
        for alone, together in zip(expected, found, strict=True):
            assert len(alone) == len(together)
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_allclose(one.box, other.box, atol=TOLERANCE)
