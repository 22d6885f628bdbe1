"""EfficientNet-Lite2 as an ONNX graph, written node by node.

The network is a plain chain (no squeeze-and-excitation, no swish), so writing its graph by hand is
shorter than cleaning up after an exporter, and gives the same bytes on every run: batch
normalisation is folded into the convolutions, TensorFlow's SAME padding is an attribute of each
convolution, and normalisation of the pixels comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]

SIZE = 260
MEAN = 127.0
SCALE = 128.0
BN_EPSILON = 1e-3
OPSET = 17
IR_VERSION = 8
CELLS_SWITCH = "with_cells"
BLOCK_FEATURES = 352
HEAD_FEATURES = 1280
FEATURES = BLOCK_FEATURES + HEAD_FEATURES


@dataclass(frozen=True)
class Block:
    """One inverted residual block: where its weights are, and its geometry."""

    prefix: str
    expands: bool
    stride: int
    residual: bool


@dataclass
class Graph:
    """Nodes and weights, collected in order."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        """Add a constant and return its name."""
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Add a node with one output and return that output's name."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output


@dataclass(frozen=True)
class Projection:
    """A linear map of the concatenated features, ``matrix @ features + bias``.

    Attributes:
        matrix: ``(dimension, FEATURES)`` float32.
        bias: ``(dimension,)`` float32.
    """

    matrix: Array
    bias: Array


def blocks_of(state: Mapping[str, Array], block_args: Sequence[object]) -> list[Block]:
    """Blocks of the network, from the arguments kept by the PyTorch package."""
    found = []
    for number, arguments in enumerate(block_args):
        stride = arguments.stride  # type: ignore[attr-defined]  # a foreign named tuple
        stride = stride[0] if isinstance(stride, list | tuple) else stride
        same = arguments.input_filters == arguments.output_filters  # type: ignore[attr-defined]
        prefix = f"_blocks.{number}."
        expands = f"{prefix}_expand_conv.weight" in state
        found.append(Block(prefix, expands, stride, residual=same and stride == 1))
    return found


def _convolution(
    graph: Graph,
    state: Mapping[str, Array],
    source: str,
    conv: str,
    norm: str,
    *,
    size: int,
    stride: int = 1,
    relu6: bool = True,
) -> tuple[str, int]:
    """Add a convolution with its batch normalisation folded in; return its output and side."""
    weight = state[f"{conv}.weight"].astype(np.float64)
    scale = state[f"{norm}.weight"].astype(np.float64) / np.sqrt(
        state[f"{norm}.running_var"].astype(np.float64) + BN_EPSILON
    )
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    kernel = weight.shape[-1]
    side = -(-size // stride)
    padding = max((side - 1) * stride + kernel - size, 0)
    before, after = padding // 2, padding - padding // 2
    name = conv.strip("_").replace("._", ".")
    output = graph.add(
        "Conv",
        [
            source,
            graph.constant(f"{name}.weight", (weight * scale[:, None, None, None]).astype("f4")),
            graph.constant(f"{name}.bias", bias.astype("f4")),
        ],
        f"{name}.out",
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[before, before, after, after],
        group=weight.shape[0] if weight.shape[1] == 1 else 1,
    )
    if relu6:
        output = graph.add("Clip", [output, "zero", "six"], f"{name}.relu6")
    return output, side


def _trunk(graph: Graph, state: Mapping[str, Array], blocks: Sequence[Block]) -> tuple[str, int]:
    """Add everything from ``pixels`` to the feature map; return its name and its side.

    The features of a cell are those of the last block (linear) and those of the head (after
    ReLU6), one after the other.
    """
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x = graph.add("Cast", ["pixels"], "pixels.float", to=TensorProto.FLOAT)
    x = graph.add("Sub", [x, graph.constant("mean", np.float32(MEAN))], "pixels.centred")
    x = graph.add("Div", [x, graph.constant("scale", np.float32(SCALE))], "pixels.scaled")
    x = graph.add("Transpose", [x], "pixels.nchw", perm=[0, 3, 1, 2])
    x, size = _convolution(graph, state, x, "_conv_stem", "_bn0", size=SIZE, stride=2)
    for block in blocks:
        shortcut, p = x, block.prefix
        if block.expands:
            x, size = _convolution(graph, state, x, f"{p}_expand_conv", f"{p}_bn0", size=size)
        x, size = _convolution(
            graph, state, x, f"{p}_depthwise_conv", f"{p}_bn1", size=size, stride=block.stride
        )
        x, size = _convolution(
            graph, state, x, f"{p}_project_conv", f"{p}_bn2", size=size, relu6=False
        )
        if block.residual:
            x = graph.add("Add", [x, shortcut], f"{p.strip('_.')}.sum")
    head, _ = _convolution(graph, state, x, "_conv_head", "_bn1", size=size)
    return graph.add("Concat", [x, head], "features", axis=1), size


def features_model(state: Mapping[str, Array], blocks: Sequence[Block]) -> onnx.ModelProto:
    """A model from ``pixels`` to ``pooled``, each picture's mean features ``(n, FEATURES)``."""
    graph = Graph()
    features, _ = _trunk(graph, state, blocks)
    pooled = graph.add("GlobalAveragePool", [features], "pooled.map")
    graph.add("Flatten", [pooled], "pooled")
    return _finish(graph, {"pooled": ["n", FEATURES]}, {})


def lite_model(
    state: Mapping[str, Array],
    blocks: Sequence[Block],
    projection: Projection,
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """The encoder: from ``pixels`` to ``embedding`` and, when switched on, ``cells``.

    With m the mean of a picture's N cell features, p the projection's matrix and b its bias, the
    embedding is ``(p m + b) / |p m + b|``, and the cell with features f is
    ``(p f + b) / (N |p m + b|)``: linear, so that the cells add up to the embedding. The
    boolean input ``with_cells``, false unless given, switches the cells on; off, they are empty and
    cost nothing.
    """
    graph = Graph()
    dimension = len(projection.bias)
    features, side = _trunk(graph, state, blocks)
    matrix = graph.constant("projection", np.ascontiguousarray(projection.matrix.T))
    bias = graph.constant("projection.bias", projection.bias)

    pooled = graph.add("GlobalAveragePool", [features], "pooled.map")
    pooled = graph.add("Flatten", [pooled], "pooled")
    vector = graph.add("MatMul", [pooled, matrix], "vector.linear")
    vector = graph.add("Add", [vector, bias], "vector")
    length = graph.add("ReduceL2", [vector], "length", axes=[1], keepdims=1)
    graph.add("Div", [vector, length], "embedding")

    cells = _cells(side)
    none = np.zeros((0, side, side, dimension), np.float32)
    nothing = helper.make_node("Constant", [], ["none"], value=numpy_helper.from_array(none))
    graph.add(
        "If",
        [graph.constant(CELLS_SWITCH, np.bool_(False))],
        "cells",
        then_branch=_branch("with_cells", cells, dimension, side),
        else_branch=_branch("without_cells", Graph([nothing]), dimension, side),
    )
    outputs = {"embedding": ["n", dimension], "cells": ["m", side, side, dimension]}
    return _finish(graph, outputs, metadata)


def _cells(side: int) -> Graph:
    """The part of the graph that is only run when cells are asked for."""
    graph = Graph()
    each = graph.add("Transpose", ["features"], "features.last", perm=[0, 2, 3, 1])
    each = graph.add("MatMul", [each, "projection"], "cells.linear")
    each = graph.add("Add", [each, "projection.bias"], "cells.projected")
    shares = graph.add(
        "Mul", ["length", graph.constant("cell.count", np.float32(side * side))], "shares"
    )
    shape = graph.constant("shares.shape", np.array([-1, 1, 1, 1], np.int64))
    shares = graph.add("Reshape", [shares, shape], "shares.map")
    graph.add("Div", [each, shares], "cells.shared")
    return graph


def _branch(name: str, graph: Graph, dimension: int, side: int) -> onnx.GraphProto:
    output = graph.nodes[-1].output[0]
    shape = ["m", side, side, dimension]
    found = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
    return helper.make_graph(graph.nodes, name, [], [found], graph.weights)


def _finish(
    graph: Graph, outputs: Mapping[str, Sequence[str | int]], metadata: Mapping[str, str]
) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", SIZE, SIZE, 3])]
    if any(weight.name == CELLS_SWITCH for weight in graph.weights):
        inputs.append(helper.make_tensor_value_info(CELLS_SWITCH, TensorProto.BOOL, []))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lite",
            inputs,
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="shopsight",
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model
