from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from shopsight.images.boxes import Box, iou
from shopsight.recognize.barcodes import CodeKind, read_codes

from .conftest import barcode, photo_with

AMPLE_S = 60.0
NUMBER = "2085082080230"


def gtins(image: Image.Image, budget_s: float = AMPLE_S) -> list[str]:
    """The article numbers on a picture."""
    return [code.gtin for code in read_codes(image, budget_s) if code.kind is CodeKind.GTIN]


@pytest.mark.parametrize(
    ("text", "kind"),
    [(NUMBER, "EAN13"), ("012345678905", "UPCA"), ("96385074", "EAN8"), ("01234565", "UPCE")],
)
def test_codes_of_articles_become_gtin_14(text: str, kind: str) -> None:
    """EAN and UPC of all lengths are read; a shortened UPC-E becomes the number it stands for."""
    whole = {"01234565": "012345000065"}.get(text, text)
    assert gtins(photo_with((barcode(text, kind), (200, 200)))) == [whole.zfill(14)]


@pytest.mark.parametrize("angle", [0, 20, 35, 60, 90, 180, 250])
def test_codes_are_read_at_any_angle(angle: int) -> None:
    """However the package is held, its code is read, and its box is about where it is."""
    photo = photo_with((barcode(NUMBER), (250, 220)))
    turned = photo.rotate(angle, Image.Resampling.BICUBIC, fillcolor=(196, 190, 180))
    (code,) = read_codes(turned, AMPLE_S)
    assert code.gtin == NUMBER.zfill(14)
    middle = ((code.box.x1 + code.box.x2) / 2, (code.box.y1 + code.box.y2) / 2)
    shifted = np.array([250 + 30 + 170 - 450, 220 + 30 + 75 - 350])
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    expected = np.array([[cos, sin], [-sin, cos]]) @ shifted + (450, 350)
    assert np.abs(np.array(middle) * (900, 700) - expected).max() < 90


def test_small_and_tilted_codes_need_the_second_look() -> None:
    """With little over a pixel a bar and a tilt, a code is read only once it is cut out."""
    small = barcode(NUMBER).resize((150, 60), Image.Resampling.LANCZOS)
    photo = photo_with((small, (300, 300))).rotate(60, Image.Resampling.BICUBIC, fillcolor="grey")
    assert gtins(photo, 0.0) == []
    assert gtins(photo) == [NUMBER.zfill(14)]


def test_blurred_and_tilted_codes_are_read() -> None:
    """A photo out of focus by about half a bar's width, and tilted, is still read."""
    photo = photo_with((barcode(NUMBER, scale=2), (300, 300)))
    turned = photo.rotate(35, Image.Resampling.BICUBIC, fillcolor="grey")
    assert gtins(turned.filter(ImageFilter.GaussianBlur(1.1))) == [NUMBER.zfill(14)]


def test_several_codes_are_read_at_once() -> None:
    """A picture of two packages gives both codes, each where it is."""
    photo = photo_with((barcode(NUMBER), (20, 40)), (barcode("012345678905", "UPCA"), (470, 420)))
    codes = {code.gtin: code.box for code in read_codes(photo, AMPLE_S)}
    assert set(codes) == {NUMBER.zfill(14), "00012345678905"}
    assert iou(*codes.values()) == 0
    assert codes[NUMBER.zfill(14)].y2 < 0.5 < codes["00012345678905"].y1


def test_a_wrong_check_digit_names_nothing() -> None:
    """A code whose digits do not fit its check digit is seen, and said to be damaged."""
    damaged = np.array(barcode(NUMBER))  # of three pixels a module
    right = (damaged.shape[1] - 95 * 3) // 2 + (3 + 42 + 5) * 3  # where the right half begins
    eight, two = (slice(right + n * 21, right + (n + 1) * 21) for n in (1, 3))
    damaged[:, eight] = damaged[:, two]
    (code,) = read_codes(photo_with((Image.fromarray(damaged), (200, 200))), 0.0)
    assert (code.kind, code.gtin) == (CodeKind.DAMAGED, "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://shop.example/p/p1", CodeKind.LINK),
        ("https://id.gs1.example/01/09506000134352", CodeKind.GTIN),
        ("WIFI:S:cafe;;", CodeKind.OTHER),
    ],
)
def test_qr_codes_say_what_they_are(text: str, kind: CodeKind) -> None:
    """Addresses, article numbers in addresses, and all else are told apart."""
    (code,) = read_codes(photo_with((barcode(text, "QRCode", scale=6), (200, 200))), AMPLE_S)
    assert (code.kind, code.text, code.symbology) == (kind, text, "QR Code")
    assert iou(code.box, Box(0.27, 0.35, 0.5, 0.65)) > 0.3


@pytest.mark.parametrize("size", [(1, 1), (16, 3), (900, 17), (40, 2000)])
def test_any_picture_is_looked_at(size: tuple[int, int]) -> None:
    """Noise and lines of any size give no code, and no error."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    assert read_codes(Image.fromarray(noise), AMPLE_S) == ()
    stripes = np.zeros((size[1], size[0], 3), np.uint8)
    stripes[:, ::2] = 255
    assert gtins(Image.fromarray(stripes)) == []


def test_sample_shop_photos(sample_shop: Path) -> None:
    """Every photo that shows a code gives that of its product; others, none."""
    with (sample_shop / "catalog.csv").open(encoding="utf-8") as file:
        numbers = {row["id"]: row["gtin"] for row in csv.DictReader(file)}
    with (sample_shop / "photos.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in {"barcode", "absent"}]
    for row in rows:
        expected = [numbers[row["id"]].zfill(14)] if row["kind"] == "barcode" else []
        assert gtins(Image.open(sample_shop / row["photo"]).convert("RGB"), 0.0) == expected
