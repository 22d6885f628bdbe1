from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from shopsight.errors import DecodeError, QueryError
from shopsight.recognize.answers import Evidence, Recognition
from shopsight.wiring import Shop

from .conftest import barcode, label, photo_with


def png(image: Image.Image) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def seen(found: Recognition, kind: str) -> Evidence:
    """The only evidence of a kind."""
    (one,) = [one for one in found.evidence if one.kind == kind]
    return one


@pytest.fixture(scope="module")
def reading(open_shop: Callable[..., Shop]) -> Shop:
    """The shop, which reads text and takes its time."""
    return open_shop(ocr="on", ocr_budget_ms=60_000)


@pytest.mark.parametrize(
    ("text", "kind", "product"),
    [
        ("2085082080230", "EAN13", "p0"),
        ("012345678905", "UPCA", "p1"),
        ("https://id.gs1.example/01/02085082080230", "QRCode", "p0"),
        ("https://shop.example/p/p7?from=flyer", "QRCode", "p7"),
    ],
)
def test_a_code_settles_it(shop: Shop, folder: Path, text: str, kind: str, product: str) -> None:
    """A code of the shop decides at once, even on a picture that looks like another product."""
    photo = photo_with((barcode(text, kind, scale=4), (40, 40)), ground=folder / "p3.png")
    found = shop.recognize(png(photo))
    assert (found.answer, found.alternatives) == (product, ())
    assert found.confidence > 0.99
    assert "encode" not in found.timings_ms
    evidence = seen(found, "barcode")
    assert evidence.answer == product
    assert text in evidence.detail
    assert evidence.box is not None
    assert evidence.box.x2 < 0.6


def test_the_look_decides_without_a_code(shop: Shop, folder: Path) -> None:
    """A product's own picture is recognised; the evidence names the product that it looks like."""
    found = shop.recognize(folder / "p5.png")
    assert found.answer == "p5"
    assert seen(found, "visual").answer == "p5"
    assert found.confidence + sum(one.confidence for one in found.alternatives) <= 1


def test_one_code_of_two_products(shop: Shop, folder: Path) -> None:
    """Of two products with the same code the look decides; without a look, neither is certain."""
    code = barcode("2026274143234")
    alike = shop.recognize(png(photo_with((code, (480, 480)), ground=folder / "p4.png")))
    assert alike.answer == "p4"
    assert "2 products: p3, p4" in seen(alike, "barcode").detail
    unlike = shop.recognize(png(photo_with((code, (300, 300)))))
    assert unlike.confidence < 0.9
    named = {one.answer for one in unlike.alternatives} | {unlike.answer}
    assert named - {None} == {"p3", "p4"}


def test_codes_of_other_shops_speak_against(shop: Shop, folder: Path) -> None:
    """A code that the shop does not know makes a product with another code unlikely."""
    ground = folder / "p0.png"
    without = shop.recognize(png(photo_with(ground=ground)))
    foreign = photo_with((barcode("4006381333931"), (480, 480)), ground=ground)
    found = shop.recognize(png(foreign))
    assert without.answer == "p0"
    assert found.answer is None
    assert "of no product of this shop" in seen(found, "barcode").detail
    assert seen(found, "barcode").answer is None


def test_links_of_other_shops_name_nothing(shop: Shop) -> None:
    """The same path at another host, and a shop's first page, are no product."""
    for text in ("https://other.example/p/p7", "https://www.shop.example/", "p7"):
        found = shop.recognize(png(photo_with((barcode(text, "QRCode", scale=5), (200, 200)))))
        assert seen(found, "barcode").answer is None


def test_only_the_part_that_is_meant(shop: Shop) -> None:
    """Of two codes, the one in the box counts; boxes of evidence are those of the whole photo."""
    photo = photo_with(
        (barcode("2085082080230"), (10, 10)), (barcode("012345678905", "UPCA"), (460, 420))
    )
    found = shop.recognize(png(photo), box=(0.5, 0.5, 1, 1))
    assert found.answer == "p1"
    box = seen(found, "barcode").box
    assert box is not None
    assert 0.5 < box.x1 < box.x2 < 1
    with pytest.raises(QueryError, match="reversed"):
        shop.recognize(png(photo), box=(0.9, 0.5, 0.1, 1))


def test_words_decide_what_the_look_does_not(reading: Shop) -> None:
    """On a plain label, brand and name single out the product, and the lines say so."""
    found = reading.recognize(png(photo_with((label("TAVENNY", "Jasmine"), (120, 150)))))
    assert found.answer == "p1"
    lines = [one for one in found.evidence if one.kind == "text"]
    assert {one.answer for one in lines} == {"p1"}
    assert all(one.box is not None for one in lines)


def test_article_numbers_are_read(reading: Shop) -> None:
    """A maker's number decides, although an O and a 0 look alike."""
    found = reading.recognize(png(photo_with((label("Model AX-2O41"), (100, 200)))))
    assert found.answer == "p2"


def test_words_of_other_things_are_no_product(reading: Shop) -> None:
    """A kind of thing and a foreign brand are read, and nothing is certain."""
    found = reading.recognize(png(photo_with((label("WESSELTON", "Herbal tea"), (120, 150)))))
    assert found.answer is None
    assert [one.answer for one in found.evidence if one.kind == "text"] == [None, None]


def test_mirrored_words_are_not_believed(reading: Shop) -> None:
    """Text seen in a mirror says nothing."""
    photo = photo_with((label("TAVENNY", "Jasmine"), (120, 150)))
    found = reading.recognize(png(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    assert found.answer != "p1"


def test_no_text_is_read_once_it_is_certain(open_shop: Callable[..., Shop], folder: Path) -> None:
    """Reading is left out where the look is as certain as the settings want, and else done."""
    photo = png(photo_with(ground=folder / "p5.png"))
    certain = open_shop(ocr="on", recognize_certain=0.1).recognize(photo)
    doubtful = open_shop(ocr="on", recognize_certain=1.0).recognize(photo)
    assert "text" not in certain.timings_ms
    assert "text" in doubtful.timings_ms


def test_reading_that_is_cut_short_is_said(open_shop: Callable[..., Shop]) -> None:
    """Where there is not even time to look for lines, the answer comes without, and says so."""
    hasty = open_shop(ocr="on", ocr_budget_ms=1)
    found = hasty.recognize(png(photo_with((label("TAVENNY", "Jasmine"), (120, 150)))))
    assert "cut short after its budget of 1 ms" in seen(found, "text").detail


def test_thresholds_are_settings(open_shop: Callable[..., Shop], folder: Path) -> None:
    """Below the threshold there is no answer, and the likeliest product is an alternative."""
    strict = open_shop(ocr="off", recognize_threshold=1.0)
    found = strict.recognize(folder / "p5.png")
    assert found.answer is None
    assert found.alternatives[0].answer == "p5"
    assert found.alternatives[0].confidence == found.confidence


def test_bad_photos_are_named(shop: Shop, tmp_path: Path) -> None:
    """A file that is no picture is an error that names it."""
    path = tmp_path / "note.jpg"
    path.write_text("not a picture")
    with pytest.raises(DecodeError, match=r"note\.jpg"):
        shop.recognize(path)
