"""The beginning of an encoder's graph, and the graph of the finder."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

PIXELS = "pixels"

TAPS = {"blocks.6.sum": 48, "blocks.14.sum": 120, "blocks.17.sum": 208}
"""Outputs of the trunk that the head sees, at strides 8, 16 and 32, and their channels."""


def trunk(model: onnx.ModelProto) -> onnx.ModelProto:
    """The nodes of an encoder up to the :data:`TAPS`, for sides that are multiples of 32.

    Args:
        model: From ``tools/export_lite``; padding in it is that for one size.
    """
    kept: list[onnx.NodeProto] = []
    needed = set(TAPS)
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    for node in kept:
        if node.op_type == "Conv":
            _pad_even_sides(node)
    constants = [w for w in model.graph.initializer if w.name in needed]
    pixels = helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["n", "height", "width", 3])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in TAPS]
    graph = helper.make_graph(kept[::-1], "regions", [pixels], outputs, constants)
    found = helper.make_model(graph, opset_imports=model.opset_import)
    found.ir_version = model.ir_version
    return found


def _pad_even_sides(node: onnx.NodeProto) -> None:
    """TensorFlow's SAME padding, which for a stride of 2 depends on whether sides are even."""
    settings = {a.name: a for a in node.attribute}
    side, stride = settings["kernel_shape"].ints[0], settings["strides"].ints[0]
    total = max(side - stride, 0)
    before, after = total // 2, total - total // 2
    settings["pads"].ints[:] = [before, before, after, after]
