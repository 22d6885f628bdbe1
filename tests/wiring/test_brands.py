from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from shopsight.errors import BrandError, DecodeError, FetchError, NotFoundError
from shopsight.images.boxes import Box, iou
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]

TAUGHT = ("Kavoa", "Zuntik")
PLACES = ((0.1, 0.1), (0.4, 0.55))
WIDE, SIZE = 0.5, (240, 180)


def photo_of(logo: Path | None, place: tuple[float, float]) -> Image.Image:
    """A green photo, perhaps with a logo of half its width."""
    image = Image.new("RGB", SIZE, (170, 190, 150))
    if logo is not None:
        with Image.open(logo) as stored:
            drawn = stored.convert("RGBA").resize((round(WIDE * SIZE[0]), 36))
        image.paste(drawn, (round(place[0] * SIZE[0]), round(place[1] * SIZE[1])), drawn)
    return image


def box_at(place: tuple[float, float]) -> Box:
    """Where a logo is."""
    return Box(*place, place[0] + WIDE, place[1] + 36 / SIZE[1])


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def boxes(tmp_path: Path, sample_shop: Path) -> Path:
    """Photos with boxes: two of each brand; and rows that cannot be used."""
    rows: list[tuple[object, ...]] = []
    for name in TAUGHT:
        for number, place in enumerate(PLACES):
            photo = photo_of(sample_shop / "logos" / f"{name}.png", place)
            photo.save(tmp_path / f"{name}{number}.png")
            rows.append((f"{name}{number}.png", name, *box_at(place)))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    rows.append(("Kavoa0.png", "Kavoa", 0.2, 0.2, 1.2, 0.5))
    rows.append(("missing.png", "Kavoa", 0.2, 0.2, 0.5, 0.5))
    rows.append(("broken.png", "Verrano", 0.2, 0.2, 0.5, 0.5))
    path = tmp_path / "boxes.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("photo", "brand", "x1", "y1", "x2", "y2"), *rows])
    return path


@pytest.fixture
def kavoa(sample_shop: Path) -> bytes:
    """A photo with Kavoa's logo where no example has it."""
    return png(photo_of(sample_shop / "logos" / "Kavoa.png", (0.3, 0.3)))


def test_without_brands_and_products_nothing_is_known(open_shop: OpenShop) -> None:
    """An empty registry without an index answers none."""
    found = open_shop().brands.recognize(png(photo_of(None, PLACES[0])))
    assert found.answer is None
    assert not found.alternatives
    assert open_shop().brands.products("Kavoa") == []


def test_boxed_examples_teach_brands(open_shop: OpenShop, boxes: Path, sample_shop: Path) -> None:
    """Brands are recognised from boxes alone; bad rows are reported by number and stop nothing."""
    shop = open_shop(encoder="lite")
    report = shop.brands.teach(boxes)
    assert (report.brands, report.examples) == (2, 4)
    assert [problem.partition("boxes.csv:")[2][:1] for problem in report.problems] == list("678")
    for name in TAUGHT:
        photo = photo_of(sample_shop / "logos" / f"{name}.png", (0.3, 0.3))
        found = shop.brands.recognize(png(photo))
        assert found.answer == name
        assert found.brands[0].box is not None
        assert iou(found.brands[0].box, box_at((0.3, 0.3))) > 0.2
    assert shop.brands.recognize(png(photo_of(None, PLACES[0]))).answer is None
    again = shop.brands.teach(boxes)
    assert (again.brands, again.examples) == (0, 0)


def test_vectors_are_made_anew_for_another_encoder(
    open_shop: OpenShop, boxes: Path, kavoa: bytes
) -> None:
    """What was taught with one encoder is known to another process with another one."""
    open_shop().brands.teach(boxes)
    other = open_shop(encoder="lite")
    assert [brand.examples for brand in other.brands.all()] == [2, 2]
    assert other.brands.recognize(kavoa).answer == "Kavoa"


def test_a_running_shop_sees_what_another_process_taught(
    open_shop: OpenShop, boxes: Path, kavoa: bytes
) -> None:
    """After a refresh, brands that were added and removed elsewhere are known and forgotten."""
    serving, writing = open_shop(), open_shop()
    assert not told_of(serving, kavoa)
    writing.brands.teach(boxes)
    assert not told_of(serving, kavoa)
    serving.refresh()
    assert told_of(serving, kavoa) == {"Kavoa", "Zuntik"}
    writing.brands.remove("kavoa")
    serving.refresh()
    assert told_of(serving, kavoa) == {"Zuntik"}


def told_of(shop: Shop, photo: bytes) -> set[str | None]:
    """The brands that are taken into account."""
    return {one.answer for one in shop.brands.recognize(photo).evidence}


def test_a_brand_with_a_bad_logo_is_not_added(open_shop: OpenShop, tmp_path: Path) -> None:
    """A corrupt or missing logo is named, and nothing of the brand is kept."""
    shop = open_shop()
    path = tmp_path / "logo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(DecodeError, match=r"logo\.png"):
        shop.brands.add("Kavoa", logos=[path])
    with pytest.raises(FetchError, match=r"none\.png"):
        shop.brands.add("Kavoa", logos=[tmp_path / "none.png"])
    with pytest.raises(BrandError, match="website"):
        shop.brands.add("Kavoa", website="nowhere")
    assert not shop.brands.all()


def test_imports_the_sample_shop(open_shop: OpenShop, sample_shop: Path) -> None:
    """Each brand has its logo, and the same file again adds nothing."""
    shop = open_shop()
    report = shop.brands.import_file(sample_shop / "brands.csv")
    assert (report.brands, report.examples, report.problems) == (12, 12, ())
    assert shop.brands.import_file(sample_shop / "brands.csv").examples == 0
    assert all(brand.examples == 1 for brand in shop.brands.all())


def test_import_goes_on_after_bad_rows(open_shop: OpenShop, tmp_path: Path) -> None:
    """A logo that is missing, and a name that another brand has, are reported by row."""
    (tmp_path / "brands.csv").write_text(
        "name,aliases,logo\nKavoa,KV,none.png\nBramlo,kv,\nOlmberg,,\n", "utf-8"
    )
    shop = open_shop()
    report = shop.brands.import_file(tmp_path / "brands.csv")
    assert report.brands == 2
    assert "brands.csv:2" in report.problems[0]
    assert "brands.csv:3" in report.problems[1]
    assert "'Kavoa'" in report.problems[1]


def test_like_products_name_their_brand(open_shop: OpenShop, feed: SmallShop) -> None:
    """Brands of the catalogue are known without a registry, and list their products."""
    name = "red"
    shop = open_shop()
    shop.index(feed.feed, mapping={"brand": "color"})
    assert {hit.product.brand for hit in shop.brands.products("RED", limit=50)} == {name}
    shop.brands.put(name, aliases=["Another Name"], website="https://brand.example")
    hits = shop.brands.products("another name", limit=50)
    assert hits
    assert {hit.product.brand for hit in hits} == {name}


def test_examples_are_added_and_forgotten(open_shop: OpenShop, kavoa: bytes) -> None:
    """A brand that is known learns from a box, once; without examples its logo is unknown."""
    shop = open_shop()
    with pytest.raises(NotFoundError):
        shop.brands.add_example("Kavoa", kavoa)
    shop.brands.put("Kavoa")
    assert shop.brands.add_example("kavoa", kavoa, box_at((0.3, 0.3)))
    assert not shop.brands.add_example("kavoa", kavoa, box_at((0.3, 0.3)))
    assert told_of(shop, kavoa) == {"Kavoa"}
    assert shop.brands.remove_examples("kavoa") == 1
    assert not told_of(shop, kavoa)
