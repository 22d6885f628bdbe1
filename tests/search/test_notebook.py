from __future__ import annotations

import base64
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shopsight.catalog.product import Price, Product
from shopsight.search.notebook import SIDE
from shopsight.search.query import Chip, Hit, SearchResult

EVIL = "<script>alert('1')</script> & \"co\""


def hit(location: str = "", **fields: Any) -> Hit:
    """A hit whose picture is somewhere."""
    product = Product(**{"id": "a", "title": "Mug", "image_link": "a.jpg", **fields})
    return Hit(product, 0.8125, 0, "a.jpg", location, confidence=0.42)


def html(*hits: Hit, **fields: Any) -> str:
    """What a notebook asks for."""
    made = SearchResult("1", hits, len(hits), {"total": 1.0}, **fields)._repr_html_()
    assert made.count("<div") == made.count("</div>")
    return made


def test_cards_say_what_was_found() -> None:
    """Each hit is shown with its title, the price that is paid, its score and confidence."""
    price = {"price": Price(amount=Decimal(1250), currency="EUR")}
    sale = {"sale_price": Price(amount=Decimal("1000.5"), currency="EUR")}
    made = html(hit(title="Steel mug", **price, **sale), hit(title="Cup"))
    assert "Steel mug" in made
    assert "1,000.50 EUR" in made
    assert "1,250" not in made
    assert "0.81" in made
    assert "42% sure" in made
    assert made.index("Steel mug") < made.index("Cup")
    assert "sure" not in html(Hit(hit().product, 0.5, 0, "a.jpg", ""))


def test_texts_of_the_catalogue_stay_texts() -> None:
    """Titles, chips and addresses cannot bring in mark-up of their own."""
    chip = Chip(id="x", kind="filter", field="color", label=EVIL, text="x")
    made = html(hit('https://shop.example/a.jpg?"><script>', title=EVIL), chips=(chip,))
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 3
    assert re.findall(r'src="([^"]*)"', made) == [
        "https://shop.example/a.jpg?&quot;&gt;&lt;script&gt;"
    ]


def test_local_pictures_come_along(tmp_path: Path) -> None:
    """A file becomes a small JPEG inside the page, of its own proportions."""
    path = tmp_path / "large.png"
    Image.new("RGB", (640, 320), (200, 30, 30)).save(path)
    (source,) = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', html(hit(str(path))))
    with Image.open(io.BytesIO(base64.b64decode(source))) as image:
        assert (image.format, image.size) == ("JPEG", (SIDE, SIDE // 2))
        red, green, blue = image.convert("RGB").getpixel((64, 32))
    assert red > 180
    assert max(green, blue) < 60


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_missing_pictures_are_left_out(tmp_path: Path, content: bytes | None) -> None:
    """A file that is gone or damaged costs the picture, not the answer."""
    path = tmp_path / "picture.jpg"
    if content is not None:
        path.write_bytes(content)
    made = html(hit(str(path), title="Steel mug"))
    assert "<img" not in made
    assert "Steel mug" in made


@pytest.mark.parametrize("link", ["https://shop.example/a.jpg", "HTTP://shop.example/a.jpg"])
def test_pictures_on_the_web_are_linked_to(link: str) -> None:
    """Nothing is fetched for a notebook: it gets the link."""
    assert f'<img src="{link}"' in html(hit(link))


def test_no_match_is_said() -> None:
    """That nothing matches is said before the hits, and only then."""
    made = html(hit(title="Steel mug"), no_match=True)
    assert "Nothing here is what the photo shows" in made[: made.index("Steel mug")]
    assert "Nothing" not in html(hit())


def test_an_empty_answer_is_shown() -> None:
    """No hits are no error."""
    assert html().startswith("<div>")
