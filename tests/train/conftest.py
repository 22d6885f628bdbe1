from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shopsight.encoders.folder import write_folder
from shopsight.encoders.specs import ModelFacts
from shopsight.images.preprocessing import Preprocessing

SIDE = 32
COLOURS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (40, 60, 200)}


def tiny_model() -> Any:
    """A graph laid out like the packaged one, with a hundredth of its work and random weights."""
    onnx = pytest.importorskip("onnx", reason="needs the extra 'train'")
    make = onnx.helper.make_node
    rng = np.random.default_rng(0)

    def constant(name: str, value: Any, scale: float = 1.0) -> Any:
        return onnx.numpy_helper.from_array(np.asarray(value, np.float32) * scale, name)

    weights = {
        "mean": np.float32(127),
        "scale": np.float32(128),
        "zero": np.float32(0),
        "six": np.float32(6),
        "a.weight": rng.normal(0, 0.4, (8, 3, 3, 3)),
        "a.bias": np.zeros(8),
        "b.weight": rng.normal(0, 0.4, (8, 1, 3, 3)),
        "b.bias": np.zeros(8),
        "c.weight": rng.normal(0, 0.4, (12, 8, 1, 1)),
        "c.bias": np.zeros(12),
        "projection": rng.normal(0, 0.3, (24, 8)),
        "projection.bias": rng.normal(0, 0.1, 8),
    }

    def conv(name: str, source: str, stride: int, group: int = 1, kernel: int = 3) -> Any:
        inputs = [source, f"{name}.weight", f"{name}.bias"]
        settings = {"strides": [stride, stride], "group": group, "kernel_shape": [kernel, kernel]}
        return make("Conv", inputs, [name], name=name, auto_pad="SAME_UPPER", **settings)

    def clip(name: str) -> Any:
        return make("Clip", [name, "zero", "six"], [f"{name}6"], name=f"{name}6")

    nodes = [
        make("Cast", ["pixels"], ["cast"], name="cast", to=onnx.TensorProto.FLOAT),
        make("Sub", ["cast", "mean"], ["centred"], name="centred"),
        make("Div", ["centred", "scale"], ["scaled"], name="scaled"),
        make("Transpose", ["scaled"], ["planes"], name="planes", perm=[0, 3, 1, 2]),
        conv("a", "planes", 2),
        clip("a"),
        conv("b", "a6", 1, group=8),
        clip("b"),
        conv("c", "b6", 2, kernel=1),
        clip("c"),
        make("Concat", ["c", "c6"], ["features"], name="features", axis=1),
        make("GlobalAveragePool", ["features"], ["pooled.map"], name="pooled.map"),
        make("Flatten", ["pooled.map"], ["pooled"], name="pooled"),
        make("MatMul", ["pooled", "projection"], ["linear"], name="linear"),
        make("Add", ["linear", "projection.bias"], ["vector"], name="vector"),
        make("ReduceL2", ["vector"], ["length"], name="length", axes=[1], keepdims=1),
        make("Div", ["vector", "length"], ["embedding"], name="embedding"),
    ]
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "tiny",
        [info("pixels", onnx.TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [info("embedding", onnx.TensorProto.FLOAT, ["n", 8])],
        [constant(name, value) for name, value in weights.items()],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder folder with a tiny model that can be trained."""
    path = tmp_path_factory.mktemp("encoders") / "tiny"
    facts = ModelFacts(
        name="tiny",
        file="",
        dimension=8,
        preprocessing=Preprocessing(size=SIDE, fit="stretch"),
        licence="CC0-1.0",
        source="random numbers",
    )
    write_folder(path, facts, tiny_model().SerializeToString(), "A card.")
    return path


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three labels of twelve photos each, and photos.csv with label and sender."""
    folder = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(1)
    rows = []
    for label, colour in COLOURS.items():
        (folder / label).mkdir()
        for number in range(12):
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, (40, 48, 3)), 0, 255)
            name = f"{label}/{number}.jpg"
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
            rows.append((name, label, f"s{number % 4}"))
    with (folder / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("photo", "label", "sender"), *rows])
    return folder
