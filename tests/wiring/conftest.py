from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop


@pytest.fixture
def feed(tmp_path: Path) -> SmallShop:
    """Twelve products with a picture each."""
    return SmallShop(tmp_path / "feed", 12)


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Opens shops on one data folder, with the small encoder alone; all are closed at the end."""
    opened: list[Shop] = []

    def open_one(**settings: object) -> Shop:
        defaults = {
            "data": tmp_path / "data",
            "encoder": "thumbnail",
            "detector": "none",
            "store": "exact",
            "threads": 1,
            "ocr": "off",
            "calibrate": False,
        }
        opened.append(Shop.open(settings=Settings.model_validate(defaults | settings)))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.close()
