from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shopsight import Shop, load_encoder
from shopsight.encoders.files import LIMITS
from shopsight.errors import EncoderError, QueryError, SettingsError
from shopsight.evaluate import (
    DEPTH,
    PhotosToProducts,
    SearchOptions,
    catalogue_pictures,
    compare,
    evaluate,
    same_field,
)
from shopsight.evaluate.loading import loaded, model_size
from shopsight.index.base import Metric
from shopsight.photo_lists import LabelledPhoto, PhotoList, read_photo_list
from shopsight.search.focus import Focus
from shopsight.settings import Settings

ROLES = {"role": ["main", "absent"], "kind": ["single", "absent"]}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, sample_shop: Path):
    """The sample shop, indexed exactly with small vectors that have two parts."""
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        encoder="two-part",
        store="exact",
        standardize=True,
        calibrate=False,
    )
    with Shop.open(settings=settings) as shop:
        shop.index(sample_shop / "catalog.csv")
        yield shop


@pytest.mark.parametrize("focus", [Focus.BALANCED, Focus.COLOR])
def test_figures_are_those_of_the_shop(sample: Shop, sample_shop: Path, focus: Focus) -> None:
    """Comparing an encoder gives the figures of the shop's own search of whole pictures."""
    photos = read_photo_list(sample_shop / "photos.csv", only=ROLES)
    photos.photos = photos.photos[::3]
    own = evaluate(
        photos,
        lambda photo: sample.search(photo, limit=DEPTH, focus=focus, regions=False),
        known_products=sample.catalog.get,
    )
    pictures = catalogue_pictures(sample.catalog, LIMITS, sample.fetch_image)
    options = SearchOptions(Metric.COSINE, standardize=True, focus=focus)
    compared = compare(
        PhotosToProducts(photos, pictures, LIMITS),
        {"two-part": load_encoder("two-part")},
        limits=LIMITS,
        options=options,
    )
    (result,) = compared.results
    assert {key: one.value for key, one in result.figures.items()} == pytest.approx(
        {
            **{f"recall@{k}": value for k, value in own.recall.items()},
            "mrr": own.mrr,
            "map": own.mean_average_precision,
            "ndcg@10": own.ndcg_at_10,
        },
        # Many colours score the same, and each of the two orders equals in its own way.
        abs=0.02 if focus is Focus.COLOR else 1e-6,
    )
    assert compared.tests == []


def test_two_encoders_side_by_side(sample: Shop, sample_shop: Path) -> None:
    """Every figure has an interval around it, each encoder its costs, the second its tests."""
    photos = read_photo_list(sample_shop / "photos.csv", only=ROLES, boxes=True)
    pictures = catalogue_pictures(sample.catalog, LIMITS, sample.fetch_image)
    done: list[int] = []
    found = compare(
        PhotosToProducts(photos, pictures, LIMITS),
        {"two-part": load_encoder("two-part"), "thumbnail": load_encoder("thumbnail")},
        limits=LIMITS,
        progress=done.append,
    )
    assert done[-1] == 187 + 200 + 15
    assert (len(found.problem.queries), found.clusters) == (200, 100)
    for result in found.results:
        assert all(one.low <= one.value <= one.high for one in result.figures.values())
        assert result.calibration is not None
        assert result.no_match is not None
        assert 0 < result.latency_ms["p50"] <= result.latency_ms["p95"]
    assert [result.vector_bytes for result in found.results] == [512, 768]
    assert [(test.encoder, test.figure) for test in found.tests] == [
        ("thumbnail", "recall@1"),
        ("thumbnail", "mrr"),
        ("thumbnail", "map"),
    ]
    first, second = (result.figures["map"].value for result in found.results)
    assert found.tests[2].difference.value == pytest.approx(second - first)
    written = json.loads(json.dumps(found.as_dict()))
    assert written["encoders"][0]["figures"]["recall@1"].keys() == {"value", "low", "high"}
    assert written["queries"] == 200


def test_same_encoder_twice_differs_nowhere(indexed) -> None:
    """An encoder compared with itself: no difference, a p-value of 1."""
    found = compare(
        same_field(indexed.pictures, "color"),
        {"a": load_encoder("thumbnail"), "b": load_encoder("thumbnail")},
        limits=LIMITS,
    )
    assert {(test.difference.low, test.difference.high) for test in found.tests} == {(0, 0)}
    assert {test.p_value for test in found.tests} == {1}
    assert found.results[0].no_match is None


def test_own_pictures_are_found(indexed) -> None:
    """Photos that are the catalogue's own pictures are all found; one that is damaged is not."""
    photos = [
        LabelledPhoto(indexed.made.folder / f"p{number}.png", frozenset([f"p{number}"]))
        for number in range(4)
    ]
    bad = indexed.write("bad.jpg", "no picture")
    photos.append(LabelledPhoto(bad, frozenset(["p1"])))
    task = PhotosToProducts(PhotoList(photos), indexed.pictures, LIMITS)
    found = compare(task, {"thumbnail": load_encoder("thumbnail")}, limits=LIMITS)
    assert found.results[0].figures["recall@1"].value == pytest.approx(0.8)
    assert list(found.failed) == [str(bad)]
    assert found.results[0].calibration is None


def test_no_photo_can_be_used(indexed) -> None:
    """When every photo fails the figures are 0, and the reasons are listed."""
    bad = indexed.write("bad.jpg", "no picture")
    photos = PhotoList([LabelledPhoto(bad, frozenset(["p1"]))], 0, [])
    task = PhotosToProducts(photos, indexed.pictures, LIMITS)
    (result,) = compare(task, {"x": load_encoder("thumbnail")}, limits=LIMITS).results
    assert result.figures["recall@10"].value == 0


def test_mistakes_are_told_before_the_work(indexed) -> None:
    """No encoder, and a focus that one of them lacks, are errors before anything is encoded."""
    task = same_field(indexed.pictures, "color")
    with pytest.raises(SettingsError, match="no encoder"):
        compare(task, {}, limits=LIMITS)
    encoders = {"two-part": load_encoder("two-part"), "thumbnail": load_encoder("thumbnail")}
    done: list[int] = []
    with pytest.raises(QueryError, match="thumbnail"):
        compare(
            task,
            encoders,
            limits=LIMITS,
            options=SearchOptions(focus=Focus.COLOR),
            progress=done.append,
        )
    assert done == []


def test_encoders_by_name(tmp_path: Path) -> None:
    """Encoders are loaded once each and closed; unknown and repeated names are refused."""
    with loaded(["thumbnail", "two-part"]) as encoders:
        assert list(encoders) == ["thumbnail", "two-part"]
        kept = encoders["thumbnail"]
    with pytest.raises(EncoderError, match="closed"):
        kept.encode_images(np.zeros((1, 32, 32, 3), np.uint8))
    for names, message in (([], "no encoder"), (["lite"] * 2, "twice"), (["nope"], "nope.*lite")):
        with pytest.raises(SettingsError, match=message), loaded(names):
            pass
    with pytest.raises(EncoderError, match="no encoder folder"), loaded([str(tmp_path / "gone")]):
        pass


def test_model_sizes() -> None:
    """The default encoder's model has a size; an encoder without a file has none."""
    assert 1_000_000 < (model_size("lite") or 0) < 30_000_000
    assert model_size("thumbnail") is None
