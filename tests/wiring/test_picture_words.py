from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from shopsight.errors import MissingExtraError
from shopsight.recognize import rapidocr_reader
from shopsight.testing.shops import SmallShop
from shopsight.testing.text import written
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


def test_printed_words_are_found(open_shop: OpenShop, feed: SmallShop) -> None:
    """With the setting, a word that stands only on a product's picture finds the product."""
    pytest.importorskip("rapidocr", reason="needs the extra ocr")
    feed.rows = feed.rows[:4]
    feed.write()
    text = (("CITRONELLA", (0.1, 0.3), 80),)
    Image.fromarray(written(text)).save(feed.folder / "p2.png")
    shop = open_shop(index_ocr=True, ocr="off")
    report = shop.index(feed.feed)
    assert report.counters.images_read == len(feed.rows)
    assert [hit.product.id for hit in shop.search(text="citronella").hits] == ["p2"]


def test_without_the_extra_the_message_names_it(
    open_shop: OpenShop, feed: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where text cannot be read, nothing is indexed half: the message says what to install."""
    monkeypatch.setattr(rapidocr_reader, "is_installed", lambda: False)
    shop = open_shop(index_ocr=True)
    with pytest.raises(MissingExtraError, match=r"shopsight\[ocr\]"):
        shop.index(feed.feed)
