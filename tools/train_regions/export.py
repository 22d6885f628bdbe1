"""Put the trained head on the trunk, in one ONNX file with weights of 16 bits."""

from __future__ import annotations

import argparse
from pathlib import Path

import graph
import numpy as np
import onnx
import onnxruntime as ort
import torch
from network import CELL_UNIT, STRIDE, Head, corners
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
FACTS = {
    "source": "EfficientNet-Lite2 (ImageNet) up to block 17; head by tools/train_regions",
    "licence": "Apache-2.0",
}
SMALL = 256
"""Constants of fewer numbers stay as they are."""


class Builder:
    """Appends nodes to a graph.

    Args:
        model: The trunk; its outputs are replaced.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant."""
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **settings: object) -> str:
        """Add a node with one output, which has its name."""
        self.graph.node.append(helper.make_node(kind, inputs, [name], name, **settings))
        return name

    def conv(self, layer: nn.Conv2d, x: str, name: str, *, relu: bool = False) -> str:
        """A convolution, followed by a ReLU if wanted."""
        side = layer.kernel_size[0]
        inputs = [
            x,
            *(
                self.constant(f"{name}.{part}", value.detach().float().numpy())
                for part, value in (("weight", layer.weight), ("bias", layer.bias))
            ),
        ]
        pads = [side // 2] * 4
        found = self.node("Conv", inputs, name, kernel_shape=[side, side], pads=pads)
        return self.node("Relu", [found], f"{name}.relu") if relu else found

    def doubled(self, x: str, name: str) -> str:
        """Nearest neighbours, twice the size."""
        return self.node(
            "Resize",
            [x, "", "doubling"],
            name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )


def add_head(build: Builder, head: Head) -> None:
    """The nodes of the head, from the taps to ``logits`` and ``sides``."""
    f8, f16, f32 = graph.TAPS
    build.constant("doubling", np.array([1, 1, 2, 2], np.float32))
    x = build.conv(head.lateral32, f32, "head.lateral32", relu=True)
    for k, layer in enumerate(head.deep):
        y = build.conv(layer, x, f"head.deep{k}", relu=True)
        x = build.node("Add", [x, y], f"head.deep{k}.sum")
    for level, lateral, down, tap in (
        (16, head.lateral16, head.down32, f16),
        (8, head.lateral8, head.down16, f8),
    ):
        up = build.doubled(build.conv(down, x, f"head.down{2 * level}"), f"head.up{level}")
        y = build.conv(lateral, tap, f"head.lateral{level}")
        x = build.node("Add", [y, up], f"head.level{level}.sum")
        x = build.node("Relu", [x], f"head.level{level}")
        for k, layer in enumerate(head.mid if level == 16 else [head.fine]):
            y = build.conv(layer, x, f"head.level{level}.{k}", relu=True)
            x = build.node("Add", [x, y], f"head.level{level}.{k}.sum")
    y = build.conv(head.heat[0], x, "head.heat.0", relu=True)
    build.conv(head.heat[2], y, "logits")
    y = build.conv(head.sides[0], x, "head.sides.0", relu=True)
    y = build.node("Softplus", [build.conv(head.sides[2], y, "head.sides.2")], "head.softplus")
    build.node("Mul", [y, build.constant("unit", np.float32(CELL_UNIT))], "sides")


def add_answer(build: Builder) -> None:
    """From ``logits`` and ``sides`` to ``scores``, those of peaks only, and ``boxes``."""
    chance = build.node("Sigmoid", ["logits"], "chance")
    around = build.node("MaxPool", [chance], "around", kernel_shape=[3, 3], pads=[1] * 4)
    peak = build.node("GreaterOrEqual", [chance, around], "peak")
    kept = build.node("Where", [peak, chance, build.constant("none", np.float32(0))], "peaks")
    build.node("Squeeze", [kept, build.constant("channel", np.array([1]))], "scores")
    shape = build.node("Shape", ["chance"], "shape")
    one = build.constant("one", np.float32(1))
    places = []
    for axis, name in ((3, "x"), (2, "y")):
        index = build.constant(f"{name}.axis", np.int64(axis))
        count = build.node("Gather", [shape, index], f"{name}.count")
        count = build.node("Cast", [count], f"{name}.cells", to=TensorProto.FLOAT)
        steps = build.node("Range", ["none", count, one], f"{name}.steps")
        middle = build.node(
            "Add", [steps, build.constant(f"{name}.half", np.float32(0.5))], f"{name}.middle"
        )
        pixels = build.node(
            "Mul", [middle, build.constant(f"{name}.stride", np.float32(STRIDE))], f"{name}.pixels"
        )
        if axis == 2:
            pixels = build.node(
                "Unsqueeze", [pixels, build.constant("column", np.array([1]))], "y.rows"
            )
        places.append(pixels)
    xs = build.node(
        "Mul",
        [
            places[0],
            build.node("Add", [build.node("Mul", [places[1], "none"], "y.none"), one], "ones"),
        ],
        "xs",
    )
    ys = build.node("Add", [build.node("Mul", [places[0], "none"], "x.none"), places[1]], "ys")
    axes = build.constant("grids", np.array([0]))
    grid = [build.node("Unsqueeze", [g, axes], f"{g}.plane") for g in (xs, ys)]
    middles = build.node("Concat", [grid[0], grid[1], grid[0], grid[1]], "middles", axis=0)
    signs = build.constant("signs", np.array([-1, -1, 1, 1], np.float32).reshape(4, 1, 1))
    build.node("Add", [middles, build.node("Mul", ["sides", signs], "offsets")], "boxes")


def halved(model: onnx.ModelProto) -> None:
    """Keep large constants as float16, with a Cast before their use."""
    casts = []
    for weight in model.graph.initializer:
        value = numpy_helper.to_array(weight)
        if value.dtype != np.float32 or value.size < SMALL:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{name}.half"], [name], f"{name}.cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def assembled(start: onnx.ModelProto, head: Head) -> onnx.ModelProto:
    """The whole graph."""
    model = graph.trunk(start)
    build = Builder(model)
    add_head(build, head)
    add_answer(build)
    del model.graph.output[:]
    model.graph.output.extend(
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", "rows", "columns"]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 4, "rows", "columns"]),
        ]
    )
    halved(model)
    helper.set_model_props(model, FACTS)
    onnx.checker.check_model(model, full_check=True)
    return model


def check(model: onnx.ModelProto, start: onnx.ModelProto, head: Head) -> float:
    """Largest difference between the graph and PyTorch's answers on noise, in pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 224, 288, 3), np.uint8)
    session = ort.InferenceSession(model.SerializeToString())
    scores, boxes = session.run(["scores", "boxes"], {"pixels": pixels})
    trunk = ort.InferenceSession(graph.trunk(start).SerializeToString())
    taps = [torch.from_numpy(tap) for tap in trunk.run(list(graph.TAPS), {"pixels": pixels})]
    with torch.no_grad():
        logits, sides = head(taps)
        wanted: Tensor = corners(sides)
        chance = logits.sigmoid()
    peak = scores > 0
    worst = np.abs(scores[peak] - chance.numpy()[peak]).max()
    if worst > 0.02:
        raise SystemExit(f"scores differ by {worst}")
    return float(np.abs(boxes - wanted.numpy()).max())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True, help="ONNX file of tools/export_lite")
    args = parser.parse_args()
    start, head = onnx.load(args.start), Head()
    head.load_state_dict(torch.load(args.weights))
    model = assembled(start, head)
    onnx.save(model, args.out)
    size, off = args.out.stat().st_size / 1e6, check(model, start, head)
    print(f"{size:.1f} MB, boxes differ by {off:.2f} px at most")


if __name__ == "__main__":
    main()
