"""Write the ONNX files beside this one: detectors with and without YOLOX's layout.

    python tests/regions/files/make_detectors.py

Needs the package ``onnx``, which the tests do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
SIDE, CLASSES = 64, 3
CELLS = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
THINGS = {
    0: (0.5, 1.0, 1.0, 2.0, 0.9, (0.1, 0.8, 0.2)),
    1: (-0.5, 1.0, 1.0, 2.0, 0.7, (0.1, 0.9, 0.2)),
    64 + 15: (0.0, 0.5, 1.5, 1.0, 0.6, (1.0, 0.0, 0.0)),
    80: (1.0, 1.0, 2.0, 2.0, 1.0, (1.0, 0.0, 0.0)),
    20: (0.5, 0.5, 2.0, 2.0, 0.3, (0.2, 0.1, 0.0)),
}
"""Cell -> middle from the cell's corner and sides, in strides; object; classes. The first two are
nearly one box, the fourth is the whole picture, the fifth is not confident."""


def numbers() -> np.ndarray:
    """What the detector answers, whatever the picture."""
    found = np.zeros((1, CELLS, 5 + CLASSES), np.float32)
    for cell, (x, y, width, height, thing, classes) in THINGS.items():
        found[0, cell] = (x, y, np.log(width), np.log(height), thing, *classes)
    return found


def save(name: str, answer: np.ndarray, *, rank: int = 4) -> None:
    """A graph that adds nought times the picture's mean to its answer, and so needs it."""
    shape = [1, 3, SIDE, SIDE][:rank]
    constants = [
        numpy_helper.from_array(answer, "answer"),
        numpy_helper.from_array(np.float32(0), "nought"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, list(answer.shape))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")


if __name__ == "__main__":
    save("yolox", numbers())
    save("too_few_cells", numbers()[:, :-1])
    save("grey", numbers(), rank=3)
