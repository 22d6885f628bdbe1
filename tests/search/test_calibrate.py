from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.errors import DecodeError
from shopsight.images.prepare import to_pixels
from shopsight.search.calibrate import (
    Calibration,
    Labelled,
    Picture,
    Ranking,
    Searches,
    fit,
    outdated,
)
from shopsight.search.confidence_cases import sampled
from shopsight.testing.fakes import TwoPartEncoder

COLORS = ((200, 30, 30), (30, 150, 40), (30, 40, 200), (220, 180, 30), (120, 30, 160))
FORMS = ("disc", "bar", "pole", "cross")


def drawn(form: str, color: tuple[int, int, int]) -> Image.Image:
    """A thing on white."""
    image = Image.new("RGB", (128, 128), "white")
    pencil = ImageDraw.Draw(image)
    if form == "disc":
        pencil.ellipse((24, 24, 104, 104), color)
    if form in {"bar", "cross"}:
        pencil.rectangle((16, 48, 112, 80), color)
    if form in {"pole", "cross"}:
        pencil.rectangle((48, 16, 80, 112), color)
    return image


def broken() -> Image.Image:
    """A picture that cannot be read."""
    raise DecodeError("cut short", reason="truncated")


class Shop:
    """Forms in colours, searched exhaustively; the colours of a form are its item group.

    Args:
        things: How many products.
    """

    def __init__(self, things: int = 20) -> None:
        self.encoder: Encoder = TwoPartEncoder()
        kinds = [(form, color) for color in COLORS for form in FORMS][:things]
        self.pictures = [
            Picture(f"p{n}", f"g{n // 2}", partial(drawn, *kind)) for n, kind in enumerate(kinds)
        ]
        self.vectors = self.encode([picture.load() for picture in self.pictures])
        self.encoded = 0

    def encode(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Vectors of pictures."""
        self.encoded = len(images)
        geometry = self.encoder.spec.preprocessing
        return self.encoder.encode_images(np.stack([to_pixels(each, geometry) for each in images]))

    def find(self, vector: np.ndarray) -> Ranking:
        """All products, best first."""
        scores = self.vectors @ vector
        order = np.argsort(-scores, kind="stable")
        return Ranking(
            [self.pictures[n].product_id for n in order],
            [self.pictures[n].group for n in order],
            scores[order],
        )

    def fit(
        self,
        pictures: Sequence[Picture] | None = None,
        labels: Sequence[Labelled] = (),
        progress: Callable[[int, int], None] | None = None,
        seed: int = 0,
    ) -> Calibration | None:
        """A calibration of it."""
        return fit(
            self.pictures if pictures is None else pictures,
            Searches(self.encode, self.find),
            version="v0001",
            fingerprint=self.encoder.spec.fingerprint,
            products=len(self.pictures),
            labels=labels,
            views=30,
            progress=progress,
            seed=seed,
        )


class SampleShop(Shop):
    """Every fifth product of the sample shop, with the default encoder.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self.encoder = load_encoder("lite")
        with (root / "catalog.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[::5]
        self.pictures = [
            Picture(row["id"], row["item_group_id"] or row["id"], partial(_opened, root, row))
            for row in rows
        ]
        self.vectors = self.encode([picture.load() for picture in self.pictures])


def _opened(root: Path, row: dict[str, str]) -> Image.Image:
    return Image.open(root / row["image_link"]).convert("RGB")


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Twenty products of ten designs."""
    return Shop()


@pytest.fixture(scope="module")
def fitted(shop: Shop) -> Calibration:
    """Its calibration."""
    found = shop.fit()
    assert found is not None
    return found


def test_photos_of_the_sample_shop_are_told_from_others(sample_shop: Path) -> None:
    """Fitted to a part of the catalogue, photos of it are surer than those of something else."""
    shop = SampleShop(sample_shop)
    found = fit(
        shop.pictures,
        Searches(shop.encode, shop.find),
        version="v0001",
        fingerprint=shop.encoder.spec.fingerprint,
        products=len(shop.pictures),
        views=50,
    )
    assert found is not None
    assert found.reliability.separation > 0.7

    def presence(photo: Path) -> float:
        ranking = shop.find(shop.encode([Image.open(photo).convert("RGB")])[0])
        return found.judge(ranking.scores, ranking.groups).presence

    photos = [sample_shop / "photos" / f"{each.product_id}_a.jpg" for each in shop.pictures]
    present = [presence(photo) for photo in photos if photo.exists()]
    absent = [presence(photo) for photo in sorted(photos[0].parent.glob("absent_*.jpg"))[::3]]
    assert len(present) > 5
    assert np.median(absent) < np.median(present) - 0.1


def test_facts_are_remembered(shop: Shop, fitted: Calibration) -> None:
    """A calibration says for which index and encoder it is, and on how much it was fitted."""
    assert (fitted.version, fitted.products) == ("v0001", 20)
    assert fitted.fingerprint == shop.encoder.spec.fingerprint
    assert (fitted.samples.pictures, fitted.samples.views) == (20, 30)
    assert min(fitted.weights) >= 0
    assert sum(each.weight for each in fitted.reliability.bins) == pytest.approx(1)


def test_same_pictures_same_calibration(shop: Shop, fitted: Calibration) -> None:
    """Fitting again gives the very same numbers; another seed gives others."""
    assert shop.fit() == fitted
    assert shop.fit(seed=1) != fitted


def test_progress_counts_to_the_end(shop: Shop) -> None:
    """Progress is told after each photo, up to the last one, labelled ones included."""
    told: list[tuple[int, int]] = []
    labels = [Labelled(frozenset(["p0"]), shop.pictures[0].load)]
    shop.fit(labels=labels, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 31) for done in range(1, 32)]


def test_few_products_are_not_calibrated() -> None:
    """With few designs nothing is fitted, and nothing is encoded for it."""
    small = Shop(6)
    small.encoded = 0
    assert small.fit() is None
    assert small.encoded == 0


def test_broken_pictures_are_left_out(shop: Shop) -> None:
    """Pictures that cannot be read are not counted; if all are broken, nothing is fitted."""
    some = [*shop.pictures, *(Picture(f"b{n}", f"b{n}", broken) for n in range(10))]
    found = shop.fit(some)
    assert found is not None
    assert found.samples.pictures == 20
    assert found.samples.views == 20
    assert shop.fit([picture._replace(load=broken) for picture in shop.pictures]) is None


def test_labels_are_used(shop: Shop, fitted: Calibration) -> None:
    """Labelled photos are counted, change the curve, and absent ones set the expected share."""
    labels = [
        *(Labelled(frozenset([each.product_id]), each.load) for each in shop.pictures),
        *(Labelled(frozenset(), partial(Image.new, "RGB", (64, 64), c)) for c in COLORS * 8),
        Labelled(frozenset(["p0"]), broken),
    ]
    found = shop.fit(labels=labels)
    assert found is not None
    assert (found.samples.photos, found.samples.absent_photos) == (20, 40)
    assert found.weights != fitted.weights
    assert found.absent_share > 2 * fitted.absent_share


def test_sample_is_fair() -> None:
    """Of more pictures than wanted, each is as likely as any to be in the sample."""
    pictures = [Picture(str(n), str(n), broken) for n in range(40)]
    counts = np.zeros(40)
    for seed in range(400):
        chosen = [int(each.product_id) for each in sampled(iter(pictures), 10, seed)]
        assert len(set(chosen)) == 10
        counts[chosen] += 1
    assert counts.min() > 60
    assert counts.max() < 145


@pytest.mark.parametrize(
    ("version", "fingerprint", "products", "due"),
    [
        ("v0001", "two-part-1", 20, False),
        ("v0001", "two-part-1", 21, False),
        ("v0001", "two-part-1", 25, True),
        ("v0001", "two-part-1", 15, True),
        ("v0002", "two-part-1", 20, True),
        ("v0001", "other", 20, True),
    ],
)
def test_calibration_goes_out_of_date(
    fitted: Calibration, version: str, fingerprint: str, products: int, due: bool
) -> None:
    """It is due again for another index or encoder, or when the shop has grown or shrunk much."""
    assert outdated(fitted, version, fingerprint, products) is due


def test_first_calibration_waits_for_products() -> None:
    """Where there is none, it is due as soon as there are products enough."""
    assert not outdated(None, "v0001", "abc", 3)
    assert outdated(None, "v0001", "abc", 30)
