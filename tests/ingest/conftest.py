from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop


@pytest.fixture
def small_shop(tmp_path: Path) -> SmallShop:
    """Eight products with a picture each."""
    return SmallShop(tmp_path / "feed", 8)


@pytest.fixture
def open_shop(tmp_path: Path) -> Callable[..., Shop]:
    """Opens shops on one data folder, with the small encoder alone; all are closed at the end."""
    opened: list[Shop] = []

    def open_one(**settings: object) -> Shop:
        defaults = {
            "data": tmp_path / "data",
            "encoder": "thumbnail",
            "detector": "none",
            "threads": 1,
            "calibrate": False,
        }
        shop = Shop.open(settings=Settings.model_validate(defaults | settings))
        opened.append(shop)
        return shop

    yield open_one
    for shop in opened:
        shop.close()
