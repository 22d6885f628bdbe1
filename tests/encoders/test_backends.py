from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.backends import (
    EngineChoice,
    compare,
    fastest,
    sample_pictures,
    with_fastest,
)
from shopsight.encoders.engines import Engine, Session
from shopsight.encoders.measurements import Candidate, Measurement, recall, remember
from shopsight.encoders.onnx import CPU, PlainOnnxEncoder, load_lite, open_session
from shopsight.errors import EncoderError, MissingExtraError, SettingsError
from shopsight.testing.fakes import ThumbnailEncoder


@pytest.fixture
def lite():
    """The packaged encoder, to be closed by what is tested or here."""
    encoder = load_lite(threads=1)
    yield encoder
    encoder.close()


def measured(backend: str, precision: str, speed: float, cosine: float) -> Measurement:
    """A measurement with these figures."""
    return Measurement(
        candidate=Candidate(backend, precision),
        pictures_per_s=speed,
        least_cosine=cosine,
        mean_cosine=cosine,
    )


def test_fastest_exact_enough_is_chosen():
    """The fastest engine whose every vector is near float32 wins; inexact ones never do."""
    found = [
        measured("onnxruntime", "fp32", 100, 1),
        measured("onnxruntime", "int8", 500, 0.9979),
        measured("openvino", "bf16", 200, 0.9981),
        measured("openvino", "fp32", 120, 1),
    ]
    assert fastest(found).name == "openvino bf16"
    assert fastest(found[:2]).name == "onnxruntime fp32"


def test_small_gains_are_not_worth_a_change():
    """An engine that is hardly faster does not replace the one that is there."""
    found = [measured("onnxruntime", "fp32", 100, 1), measured("openvino", "fp32", 109, 1)]
    assert fastest(found).name == "onnxruntime fp32"


def test_nothing_is_measured_at_a_start(lite, tmp_path):
    """With everything on auto and nothing known, the encoder stays as it is, at once."""
    assert with_fastest(lite, EngineChoice(cache=tmp_path)) is lite
    assert list(tmp_path.iterdir()) == []


def test_what_is_known_is_used(lite, tmp_path):
    """A start after a measurement uses its result without measuring again."""
    found = [measured("onnxruntime", "fp32", 100, 1)]
    remember(tmp_path, lite, "auto", "auto", found)
    assert recall(tmp_path, lite, "auto", "auto") == found
    assert recall(tmp_path, lite, "openvino", "auto") is None
    assert with_fastest(lite, EngineChoice(cache=tmp_path)).engine == CPU


@pytest.mark.parametrize("content", [b"", b"[]", b'{"other": 1}'])
def test_damaged_measurements_are_ignored(lite, tmp_path, content):
    """A file of measurements that makes no sense counts as none."""
    remember(tmp_path, lite, "auto", "auto", [measured("onnxruntime", "fp32", 100, 1)])
    (place,) = tmp_path.iterdir()
    place.write_bytes(content)
    assert recall(tmp_path, lite, "auto", "auto") is None


def test_measurements_that_cannot_be_kept_are_no_error(lite, tmp_path, caplog):
    """Where the folder cannot be made, there is a warning, and the next start measures again."""
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        remember(blocked, lite, "auto", "auto", [measured("onnxruntime", "fp32", 100, 1)])
    assert "measured again" in caplog.text
    assert recall(blocked, lite, "auto", "auto") is None


def test_known_engine_that_is_gone_does_no_harm(lite, tmp_path, caplog):
    """When the engine that was fastest cannot start any more, float32 goes on, with a warning."""
    found = [measured("onnxruntime", "fp32", 1, 1), measured("cuda", "fp32", 100, 1)]
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("CUDA is here")
    remember(tmp_path, lite, "auto", "auto", found)
    with caplog.at_level(logging.WARNING):
        assert with_fastest(lite, EngineChoice(cache=tmp_path)) is lite
    # With nothing but float32 to choose from, what was measured is not even looked at.
    assert find_spec("openvino") is None or "cannot run on cuda fp32" in caplog.text


def test_openvino_is_found_and_kept(lite, tmp_path):
    """Where OpenVINO is installed, it is compared once, and the next start knows the winner."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    choice = EngineChoice(backend="openvino", cache=tmp_path)
    found = with_fastest(lite, choice)
    assert found.engine.backend == "openvino"
    pixels = sample_pictures(found, 3)
    vectors = found.encode_images(pixels)
    found.close()
    again = load_lite(threads=1)
    assert (vectors * again.encode_images(pixels)).sum(axis=1).min() > 0.998
    kept = recall(tmp_path, again, "openvino", "auto")
    assert kept is not None
    assert kept[0].candidate.name == "openvino fp32"
    again.close()


def test_all_engines_here_are_compared(lite, tmp_path):
    """The comparison has float32 on ONNX Runtime first, and exact engines are exact."""
    found = compare(lite, EngineChoice(backend="onnxruntime", precision="fp32", cache=tmp_path))
    assert [entry.candidate.name for entry in found] == ["onnxruntime fp32"]
    assert found[0].least_cosine == pytest.approx(1, abs=1e-5)
    assert found[0].pictures_per_s > 0


@pytest.mark.parametrize(("backend", "precision"), [("onnxruntime", "bf16"), ("cuda", "int8")])
def test_impossible_pairs_are_refused(lite, backend, precision):
    """A precision that a backend does not have is answered with those that it has."""
    with pytest.raises(SettingsError, match=f"no precision '{precision}'.*fp32"):
        with_fastest(lite, EngineChoice(backend=backend, precision=precision))


@pytest.mark.parametrize(
    ("backend", "provider"),
    [("cuda", "CUDAExecutionProvider"), ("coreml", "CoreMLExecutionProvider")],
)
def test_missing_device_is_named(lite, backend, provider):
    """A device that the installed ONNX Runtime cannot drive is an error that says what to do."""
    if provider in ort.get_available_providers():
        pytest.skip(f"{provider} is here")
    with pytest.raises(EncoderError, match=rf"'{backend}' is not part of.*choose another"):
        with_fastest(lite, EngineChoice(backend=backend))


def test_missing_openvino_is_named(lite, monkeypatch):
    """Without OpenVINO, asking for it names the extra to install."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"shopsight\[openvino\]"):
        with_fastest(lite, EngineChoice(backend="openvino"))


def test_provider_that_did_not_start_is_an_error(lite):
    """An engine that refuses a model leaves the encoder as it was."""

    def refuse(path: Path, threads: int, _callers: int) -> Session:
        return open_session(path.with_name("gone.onnx"), threads)

    with pytest.raises(EncoderError, match="cannot be run by broken fp32"):
        lite.with_engine(Engine("broken", "fp32", refuse, 1, crew=False))
    assert len(lite.encode_images(np.zeros((1, 260, 260, 3), np.uint8))) == 1


def test_device_takes_runs_one_after_another(lite):
    """A device's engine gets large runs, and no threads beside each other."""
    engine = Engine("device", "fp32", CPU.open, 3, crew=False)
    pixels = sample_pictures(lite, 7)
    encoder = lite.with_engine(engine)
    np.testing.assert_allclose(encoder.encode_images(pixels), lite.encode_images(pixels), atol=1e-4)
    assert encoder._crew is None
    encoder.close()
    assert len(lite.encode_images(pixels)) == 7


def test_encoders_are_loaded_with_an_engine(tmp_path):
    """``load_encoder`` hands the choice on, and leaves encoders alone that run no ONNX model."""
    choice = EngineChoice(backend="onnxruntime", precision="fp32", cache=tmp_path)
    encoder = load_encoder("lite", threads=1, engine=choice)
    assert isinstance(encoder, PlainOnnxEncoder)
    assert encoder.engine == CPU
    encoder.close()
    assert isinstance(load_encoder("thumbnail", engine=choice), ThumbnailEncoder)


def test_int8_needs_its_package(lite, tmp_path):
    """Without the package that writes 8-bit models, the message names the extra."""
    if find_spec("onnx") is not None:
        pytest.skip("the extra quantize is installed")
    choice = EngineChoice(backend="onnxruntime", precision="int8", cache=tmp_path)
    with pytest.raises(MissingExtraError, match=r"shopsight\[quantize\]"):
        with_fastest(lite, choice)


def test_int8_needs_a_folder(lite):
    """An 8-bit model must be kept somewhere."""
    with pytest.raises(SettingsError, match="folder"):
        with_fastest(lite, EngineChoice(backend="onnxruntime", precision="int8"))
