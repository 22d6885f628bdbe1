from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from shopsight.encoders.backends import LEAST_COSINE
from shopsight.encoders.onnx import OnnxEncoder, load_lite
from shopsight.errors import EncoderError
from shopsight.testing.encoder import EncoderConformance, sample_pixels

pytest.importorskip("openvino", reason="the extra openvino is not installed")

from shopsight.encoders import openvino
from shopsight.encoders.openvino_stages import in_stages

COUNT = 6


@pytest.fixture(scope="module")
def lite() -> Iterator[OnnxEncoder]:
    """The packaged encoder on ONNX Runtime."""
    encoder = load_lite(threads=2)
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def precision() -> str:
    """The least precise that this processor computes in."""
    return "bf16" if openvino.has_bf16() else "fp32"


class TestOpenVino(EncoderConformance):
    """The packaged encoder on OpenVINO is a whole encoder."""

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, lite: OnnxEncoder, precision: str) -> Iterator[OnnxEncoder]:
        """The packaged encoder on OpenVINO."""
        encoder = lite.with_engine(openvino.engine(precision))
        yield encoder
        encoder.close()


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_vectors_are_near_float32(lite, wanted):
    """In either precision, vectors and cells are those of ONNX Runtime, or nearly so."""
    if wanted == "bf16" and not openvino.has_bf16():
        pytest.skip("this processor does not compute in bfloat16")
    pixels = sample_pixels(lite.spec.preprocessing, COUNT)
    exact, exact_cells = lite.encode_cells(pixels)
    encoder = lite.with_engine(openvino.engine(wanted))
    assert encoder.spec.fingerprint == lite.spec.fingerprint
    vectors, cells = encoder.encode_cells(pixels)
    encoder.close()
    assert (vectors * exact).sum(axis=1).min() >= (0.999999 if wanted == "fp32" else LEAST_COSINE)
    np.testing.assert_allclose(cells, exact_cells, atol=1e-5 if wanted == "fp32" else 3e-3)


def test_first_layers_and_the_end_stay_exact(lite):
    """The model is cut in three, and only the middle, with most convolutions, may be inexact."""
    session = openvino.OpenVinoSession(lite.path, 1, 1, bf16=True)
    model = session._model(["embedding"], {}, "pixels", (1, 260, 260, 3))
    stages = in_stages(model)
    assert [stage.exact for stage in stages] == [True, False, True]

    def convolutions(number: int) -> int:
        kinds = [op.get_type_name() for op in stages[number].model.get_ops()]
        return sum(kind.endswith("Convolution") for kind in kinds)

    first, middle, last = map(convolutions, range(3))
    assert last == 0
    assert 0 < first < middle / 5
    assert "MatMul" not in {op.get_type_name() for op in stages[1].model.get_ops()}


def test_network_without_convolutions_stays_whole():
    """A model that is no convolutional network is not cut."""
    from openvino import Model, Type, opset13

    entry = opset13.parameter([1, 4], Type.f32)
    stages = in_stages(Model([opset13.relu(entry)], [entry]))
    assert [stage.exact for stage in stages] == [False]


def test_branch_beside_the_network_stays_exact():
    """What is computed from the pictures beside the convolutions is in an exact stage."""
    from openvino import Model, Type, opset13

    entry = opset13.parameter([1, 3, 16, 16], Type.f32)
    weights = opset13.constant(np.full((3, 3, 3, 3), 0.01, np.float32))
    found = entry
    for _ in range(20):
        found = opset13.relu(opset13.convolution(found, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    axes = opset13.constant(np.array([2, 3]))
    shape = opset13.reduce_mean(found, axes)
    color = opset13.reduce_mean(opset13.exp(entry), axes)
    stages = in_stages(Model([opset13.concat([shape, color], 1)], [entry]))
    kinds = [{op.get_type_name() for op in stage.model.get_ops()} for stage in stages]
    assert ["Exp" in found for found in kinds] == [True, False, False]
    assert stages[0].inputs == (None,)


def test_file_that_cannot_be_run_is_reported(lite, tmp_path):
    """A model that OpenVINO cannot read is an error that names the engine."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EncoderError, match="cannot be run by openvino int8"):
        lite.with_engine(openvino.engine("int8", path))


def test_closed_encoder_refuses_work(lite):
    """After close, an encoder on OpenVINO says so, as on ONNX Runtime."""
    encoder = lite.with_engine(openvino.engine("fp32"))
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode_images(np.zeros((1, 260, 260, 3), np.uint8))
    with pytest.raises(EncoderError, match="closed"):
        encoder.with_engine(openvino.engine("fp32"))
