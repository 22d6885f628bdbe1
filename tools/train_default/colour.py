"""The colour part of the default encoder: a soft histogram of the foreground, as ONNX nodes.

Networks trained on labels learn to overlook colour, and products differ in it. The picture is
reduced to 26 x 26 points in CIE Lab (D65; IEC 61966-2-1 for sRGB, CIE 15 for Lab). A point counts
as foreground the less its colour occurs along the border, and more in the middle. Each point is
shared out softly among 10 x 10 x 10 bins. The square roots of the sums (Hellinger's kernel as a dot
product) are centred and reduced to their principal components.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1] / "export_lite"))

from network import HEAD_FEATURES, IR_VERSION, OPSET, SIZE, Graph

__all__ = ["HEAD_FEATURES", "SIZE", "add_cells", "add_histogram", "histogram_model"]

Array = NDArray[np.float32]

POINTS = 26
BINS = 10
HISTOGRAM = BINS**3
LIGHTNESS_BINS = np.linspace(5, 95, BINS, dtype=np.float32)
CHROMA_BINS = np.linspace(-60, 60, BINS, dtype=np.float32)
LIGHTNESS_SPREAD, CHROMA_SPREAD = 8.0, 10.0
BORDER_SPREAD = np.array([14, 9, 9], np.float32)
BORDER_STRENGTH = 8.0
MIDDLE_SPREAD = 0.55
RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
FLOOR = 1e-7
"""Added to each bin, so that a bin nobody falls in has a root with a finite slope."""


def add_histogram(graph: Graph) -> str:
    """Add the nodes from ``pixels.float`` (NHWC, 0 to 255) to the roots ``(n, 1000)``."""
    lab = _lab(graph)
    weights = _weights(graph, lab)
    lightness = _soft_bins(graph, lab, 0, LIGHTNESS_BINS, LIGHTNESS_SPREAD)
    first = _soft_bins(graph, lab, 1, CHROMA_BINS, CHROMA_SPREAD)
    second = _soft_bins(graph, lab, 2, CHROMA_BINS, CHROMA_SPREAD)
    shared = graph.add("Mul", [lightness, weights], "color.shared")
    axis = graph.constant("color.axis.2", np.array([2], np.int64))
    row = graph.add("Unsqueeze", [second, axis], "color.row")
    column = graph.add(
        "Unsqueeze",
        [first, graph.constant("color.axis.3", np.array([3], np.int64))],
        "color.column",
    )
    chroma = graph.add("Mul", [column, row], "color.chroma.square")
    flat = graph.constant("color.chroma.shape", np.array([0, 0, BINS * BINS], np.int64))
    chroma = graph.add("Reshape", [chroma, flat], "color.chroma")
    turned = graph.add("Transpose", [shared], "color.turned", perm=[0, 2, 1])
    sums = graph.add("MatMul", [turned, chroma], "color.sums")
    line = graph.constant("color.line", np.array([0, HISTOGRAM], np.int64))
    sums = graph.add("Reshape", [sums, line], "color.histogram")
    sums = graph.add(
        "Add", [sums, graph.constant("color.floor", np.float32(FLOOR))], "color.floored"
    )
    return graph.add("Sqrt", [sums], "color.roots")


def add_cells(graph: Graph, side: int, matrix: str) -> str:
    """Add the nodes for each cell's share of ``roots @ matrix``: ``(n, side, side, dimension)``.

    A bin's root is shared out in proportion to what each cell put into the bin.
    """
    slope = graph.add(
        "Unsqueeze",
        ["color.roots", graph.constant("color.axis.last", np.array([2], np.int64))],
        "color.roots.column",
    )
    slopes = graph.add("Div", [matrix, slope], "color.slopes")
    lightness = graph.add(
        "Unsqueeze",
        ["color.shared", graph.constant("color.axis.4", np.array([3], np.int64))],
        "color.shared.column",
    )
    chroma = graph.add(
        "Unsqueeze",
        ["color.chroma", graph.constant("color.axis.5", np.array([2], np.int64))],
        "color.chroma.row",
    )
    joint = graph.add("Mul", [lightness, chroma], "color.joint.square")
    shape = graph.constant("color.joint.shape", np.array([0, 0, HISTOGRAM], np.int64))
    joint = graph.add("Reshape", [joint, shape], "color.joint.bare")
    floor = graph.constant("color.floor.even", np.float32(FLOOR / POINTS**2))
    joint = graph.add("Add", [joint, floor], "color.joint")
    points = graph.add("MatMul", [joint, slopes], "color.points")
    areas = graph.constant("color.areas", _areas(side))
    cells = graph.add("MatMul", [areas, points], "color.cells.line")
    square = graph.constant("color.cells.shape", np.array([0, side, side, -1], np.int64))
    return graph.add("Reshape", [cells, square], "color.cells")


def histogram_model() -> onnx.ModelProto:
    """A model from ``pixels`` to ``roots``, to fit the reduction with."""
    graph = Graph()
    graph.add("Cast", ["pixels"], "pixels.float", to=onnx.TensorProto.FLOAT)
    roots = add_histogram(graph)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "histogram",
            [
                onnx.helper.make_tensor_value_info(
                    "pixels", onnx.TensorProto.UINT8, ["n", SIZE, SIZE, 3]
                )
            ],
            [onnx.helper.make_tensor_value_info(roots, onnx.TensorProto.FLOAT, ["n", HISTOGRAM])],
            graph.weights,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _lab(graph: Graph) -> str:
    """Lab of the points, ``(n, points, 3)``."""
    step = SIZE // POINTS
    planes = graph.add("Transpose", ["pixels.float"], "color.planes", perm=[0, 3, 1, 2])
    small = graph.add(
        "AveragePool", [planes], "color.small", kernel_shape=[step, step], strides=[step, step]
    )
    small = graph.add("Div", [small, graph.constant("color.255", np.float32(255))], "color.srgb")
    flat = graph.constant("color.flat", np.array([0, 3, POINTS * POINTS], np.int64))
    srgb = graph.add("Reshape", [small, flat], "color.srgb.line")
    low = graph.add(
        "Div", [srgb, graph.constant("color.12.92", np.float32(12.92))], "color.gamma.low"
    )
    high = graph.add(
        "Add", [srgb, graph.constant("color.0.055", np.float32(0.055))], "color.gamma.sum"
    )
    high = graph.add(
        "Div", [high, graph.constant("color.1.055", np.float32(1.055))], "color.gamma.ratio"
    )
    high = graph.add(
        "Pow", [high, graph.constant("color.2.4", np.float32(2.4))], "color.gamma.high"
    )
    dark = graph.add(
        "LessOrEqual", [srgb, graph.constant("color.0.04045", np.float32(0.04045))], "color.dark"
    )
    linear = graph.add("Where", [dark, low, high], "color.gamma")
    to_xyz = (RGB_TO_XYZ / WHITE[:, None]).astype(np.float32)
    xyz = graph.add("MatMul", [graph.constant("color.rgb_to_xyz", to_xyz), linear], "color.xyz")
    root = graph.add("Pow", [xyz, graph.constant("color.third", np.float32(1 / 3))], "color.root")
    line = graph.add(
        "Mul", [xyz, graph.constant("color.7.787", np.float32(841 / 108))], "color.slope"
    )
    line = graph.add(
        "Add", [line, graph.constant("color.4.29", np.float32(4 / 29))], "color.straight"
    )
    bright = graph.add(
        "Greater", [xyz, graph.constant("color.0.008856", np.float32(216 / 24389))], "color.bright"
    )
    bent = graph.add("Where", [bright, root, line], "color.bent")
    to_lab = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float32)
    lab = graph.add("MatMul", [graph.constant("color.to_lab", to_lab), bent], "color.lab.planes")
    origin = graph.constant("color.origin", np.array([[-16], [0], [0]], np.float32))
    lab = graph.add("Add", [lab, origin], "color.lab.moved")
    return graph.add("Transpose", [lab], "color.lab", perm=[0, 2, 1])


def _weights(graph: Graph, lab: str) -> str:
    """How much each point counts, ``(n, points, 1)``, adding up to 1."""
    scaled = graph.add(
        "Div", [lab, graph.constant("color.border.spread", BORDER_SPREAD)], "color.scaled"
    )
    border = graph.add(
        "Gather", [scaled, graph.constant("color.border", _border())], "color.border.points", axis=1
    )
    turned = graph.add("Transpose", [border], "color.border.turned", perm=[0, 2, 1])
    last = graph.constant("color.last", np.array([2], np.int64))
    own = graph.add("Mul", [scaled, scaled], "color.own.squares")
    own = graph.add("ReduceSum", [own, last], "color.own", keepdims=1)
    theirs = graph.add("Mul", [turned, turned], "color.theirs.squares")
    middle = graph.constant("color.middle.axis", np.array([1], np.int64))
    theirs = graph.add("ReduceSum", [theirs, middle], "color.theirs", keepdims=1)
    both = graph.add("MatMul", [scaled, turned], "color.both")
    half = graph.constant("color.half", np.float32(0.5))
    own = graph.add("Mul", [own, half], "color.own.half")
    theirs = graph.add("Mul", [theirs, half], "color.theirs.half")
    near = graph.add("Sub", [both, own], "color.near.own")
    near = graph.add("Exp", [graph.add("Sub", [near, theirs], "color.near.log")], "color.near")
    density = graph.add("ReduceMean", [near], "color.density", axes=[2], keepdims=1)
    strength = graph.constant("color.strength", np.float32(-BORDER_STRENGTH))
    outside = graph.add(
        "Exp", [graph.add("Mul", [density, strength], "color.outside.log")], "color.outside"
    )
    weights = graph.add(
        "Mul", [outside, graph.constant("color.middle", _middle())], "color.weights.raw"
    )
    total = graph.add("ReduceSum", [weights, middle], "color.weights.sum", keepdims=1)
    return graph.add("Div", [weights, total], "color.weights")


def _soft_bins(graph: Graph, lab: str, channel: int, bins: Array, spread: float) -> str:
    """Shares of each point in a channel's bins, ``(n, points, bins)``: Gaussians of distance."""
    name = f"color.channel.{channel}"
    index = graph.constant(f"{name}.index", np.array([channel], np.int64))
    value = graph.add("Gather", [lab, index], f"{name}.value", axis=2)
    offset = graph.add("Sub", [value, graph.constant(f"{name}.bins", bins)], f"{name}.offset")
    offset = graph.add("Mul", [offset, offset], f"{name}.square")
    scale = graph.constant(f"{name}.scale", np.float32(-0.5 / spread**2))
    return graph.add(
        "Softmax", [graph.add("Mul", [offset, scale], f"{name}.log")], f"{name}.shares", axis=2
    )


def _border() -> NDArray[np.int64]:
    """Every other point of the outer two rows and columns."""
    rows, columns = np.mgrid[0:POINTS, 0:POINTS]
    outer = (np.minimum(rows, columns) < 2) | (np.maximum(rows, columns) >= POINTS - 2)
    sampled = (rows + columns) % 2 == 0
    return np.flatnonzero((outer & sampled).ravel()).astype(np.int64)


def _middle() -> Array:
    """Weight of each point by its distance from the middle, ``(points, 1)``."""
    axis = (np.arange(POINTS) + 0.5) / POINTS * 2 - 1
    near = np.exp(-0.5 * (axis[:, None] ** 2 + axis[None] ** 2) / MIDDLE_SPREAD**2)
    return near.reshape(-1, 1).astype(np.float32)


def _areas(side: int) -> Array:
    """Share of each point that lies in each cell, ``(cells, points)``."""
    cells = np.arange(side)[:, None] * POINTS / side
    points = np.arange(POINTS)[None]
    overlap = np.minimum(cells + POINTS / side, points + 1) - np.maximum(cells, points)
    return np.kron(overlap.clip(0), overlap.clip(0)).astype(np.float32)
