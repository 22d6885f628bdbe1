"""The models in ``files/`` average 8 x 8 pixels: inputs ``(n | 1 | 4, 3, 32, 32)`` float32."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.base import CellEncoder
from shopsight.encoders.foreign import EXAMPLE
from shopsight.encoders.specs import LITE, MODELS
from shopsight.errors import EncoderError

FILES = Path(__file__).with_name("files")
MEAN, STD = [0.4, 0.5, 0.6], [0.25, 0.2, 0.3]
FACTS = {"size": 32, "fit": "stretch", "mean": MEAN, "std": STD, "licence": "MIT"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An ONNX file of another maker, with what is known about it."""
    path = tmp_path / "averages.onnx"
    shutil.copy(FILES / path.name, path)
    path.with_suffix(".json").write_text(json.dumps(FACTS))
    return path


def pictures(count: int) -> np.ndarray:
    """Pictures of noise."""
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)


def expected(pixels: np.ndarray) -> np.ndarray:
    """What the models make of pixels, as unit rows."""
    planes = ((pixels / 255 - MEAN) / STD).transpose(0, 3, 1, 2)
    means = planes.reshape(-1, 3, 4, 8, 4, 8).mean(axis=(3, 5)).reshape(len(pixels), -1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["averages", "one_by_one"])
def test_pictures_are_normalised_and_vectors_scaled(model, name):
    """Files for any number of pictures, and for one, get normalised planes and give unit rows."""
    shutil.copy(FILES / f"{name}.onnx", model)
    encoder = load_encoder(str(model), threads=2)
    assert (encoder.spec.name, encoder.spec.dimension) == ("averages", 48)
    assert (encoder.spec.licence, encoder.spec.source) == ("MIT", "averages.onnx")
    assert not isinstance(encoder, CellEncoder)
    np.testing.assert_allclose(encoder.encode_images(pictures(9)), expected(pictures(9)), atol=1e-5)
    assert encoder.encode_images(pictures(0)).shape == (0, 48)
    encoder.close()


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_patches_are_pooled(model, pooling):
    """Of vectors per patch, the first or the mean is taken."""
    facts = FACTS | {"output": "patches", "pooling": pooling}
    model.with_suffix(".json").write_text(json.dumps(facts))
    encoder = load_encoder(str(model), threads=1)
    planes = ((pictures(2) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)
    rows = planes.reshape(-1, 3, 4, 8, 4, 8).mean(axis=(3, 5)).reshape(2, 3, 16)
    pooled = rows[:, 0] if pooling == "first" else rows.mean(axis=1)
    cosines = (encoder.encode_images(pictures(2)) * pooled).sum(axis=1)
    np.testing.assert_allclose(cosines, np.linalg.norm(pooled, axis=1), atol=1e-4)
    encoder.close()


def test_fingerprint_follows_the_normalisation(model):
    """Another mean makes other vectors, so an index of the old ones is not searched with them."""
    first = load_encoder(str(model), threads=1).spec
    model.with_suffix(".json").write_text(json.dumps(FACTS | {"mean": [0, 0, 0]}))
    second = load_encoder(str(model), threads=1).spec
    model.with_suffix(".json").write_text(json.dumps(FACTS | {"name": "renamed"}))
    renamed = load_encoder(str(model), threads=1).spec
    assert first.fingerprint != second.fingerprint
    assert (renamed.name, renamed.fingerprint) == ("renamed", first.fingerprint)


def test_missing_facts_are_asked_for(model):
    """Without the JSON beside it, the answer says which to write, with an example that works."""
    facts = model.with_suffix(".json")
    facts.unlink()
    with pytest.raises(EncoderError, match=r"write .*averages\.json") as caught:
        load_encoder(str(model))
    assert EXAMPLE in str(caught.value)
    facts.write_text(json.dumps(json.loads(EXAMPLE) | {"size": 32}))
    load_encoder(str(model)).close()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("no json", r"averages\.json cannot be used: the whole"),
        (FACTS | {"std": None}, r"averages\.json cannot be used: std"),
        (FACTS | {"colour": 1}, "colour: Extra inputs"),
        (FACTS | {"output": "logits"}, r"outputs vectors, patches, pooled.*'logits'"),
        (FACTS | {"output": "pooled"}, r"shape \(1, 3, 4, 4\)"),
        (FACTS | {"size": 64}, "does not take a picture of 64 x 64"),
        (FACTS | {"layout": "nhwc"}, "does not take a picture"),
    ],
)
def test_wrong_facts_are_named(model, facts, message):
    """Facts that do not fit the file say which field is wrong."""
    text = facts if isinstance(facts, str) else json.dumps(facts)
    model.with_suffix(".json").write_text(text)
    with pytest.raises(EncoderError, match=message):
        load_encoder(str(model))


def test_other_files_are_refused(model):
    """A file that is missing, no model, for four pictures, or for bytes is refused with reasons."""
    with pytest.raises(EncoderError, match="There is no file"):
        load_encoder(str(model.with_name("missing.onnx")))
    shutil.copy(FILES / "by_four.onnx", model)
    with pytest.raises(EncoderError, match=r"shape \[4, 3, 32, 32\]"):
        load_encoder(str(model))
    shutil.copy(MODELS / LITE.file, model)
    with pytest.raises(EncoderError, match=r"uint8"):
        load_encoder(str(model))
    model.write_bytes(b"no model")
    with pytest.raises(EncoderError, match="no ONNX file"):
        load_encoder(str(model))
