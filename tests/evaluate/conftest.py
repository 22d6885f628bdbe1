from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shopsight import Shop
from shopsight.encoders.files import LIMITS
from shopsight.evaluate.pictures import CataloguePicture, catalogue_pictures
from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop


@dataclass(frozen=True)
class Indexed:
    """A shop of twelve products, indexed, with what its catalogue shows."""

    made: SmallShop
    shop: Shop
    pictures: list[CataloguePicture]

    def write(self, name: str, text: str) -> Path:
        """Write a file beside the pictures."""
        path = self.made.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    """A shop whose last product has two pictures, and whose pictures are in a folder."""
    made = SmallShop(tmp_path / "feed", 12)
    made.rows[11]["additional_image_link"] = made.draw("second.png", seed=99).name
    made.write()
    settings = Settings(
        data=tmp_path / "data", encoder="thumbnail", store="exact", detector="none", calibrate=False
    )
    with Shop.open(settings=settings) as shop:
        shop.index(made.feed)
        yield Indexed(made, shop, catalogue_pictures(shop.catalog, LIMITS, shop.fetch_image))
