"""The trunk of an encoder's ONNX file as a PyTorch network, and back.

The graph is read node by node, so what is trained is exactly what is served: batch normalisation
is folded into the convolutions already, and :meth:`OnnxNetwork.updated` puts the learned weights
into the same graph. Depthwise filters stay as they are: they are 4 % of the weights, and PyTorch's
gradient of them takes most of the time of a training step on a CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from shopsight.errors import EncoderError

PIXELS, FEATURES = "pixels", "features"
"""Names of the graph's input and of its feature map."""

MATRIX, BIAS = "projection", "projection.bias"
"""Names of the linear map from mean features to the embedding: ``(features, dimension)`` and
``(dimension,)``."""

SOFTENING = "softening"
"""Name of the constant e of graphs whose linear map is applied to mean features x as
``x / sqrt(x + e)``, at unit length; without it, to the mean features themselves."""

_MEAN, _SCALE = "mean", "scale"
_NORMALISING = ("Cast", "Sub", "Div", "Transpose")
_UNDERSTOOD = ("Conv", "Clip", "Add", "Concat")


class OnnxNetwork(nn.Module):
    """The trunk of an encoder, from pixels to its feature map.

    Args:
        model: A model laid out like the packaged ``lite.onnx``: ``pixels`` uint8 NHWC, then
            ``(pixels - mean) / scale``, convolutions with TensorFlow's SAME padding, ReLU6, sums
            and at most one concatenation, the last named ``features``, and the linear map
            ``projection``.
        frozen: Convolutions, counted from the input, that do not learn; depthwise ones never do.
            The packaged trunk has 64.

    Attributes:
        features: Channels of the feature map.

    Raises:
        EncoderError: The graph has another layout.
    """

    def __init__(self, model: onnx.ModelProto, *, frozen: int = 0) -> None:
        super().__init__()
        self._model = model
        constants = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
        missing = {_MEAN, _SCALE, MATRIX, BIAS} - constants.keys()
        if missing:
            raise _unfit(f"it lacks the constants {', '.join(sorted(missing))}")
        self._mean, self._scale = float(constants[_MEAN]), float(constants[_SCALE])
        self._start, self._nodes = _trunk(model.graph)
        self.features = len(constants[MATRIX])
        softening = constants.get(SOFTENING)
        self._softening = None if softening is None else float(softening)
        self._kernels = nn.ModuleDict()
        self._frozen_nodes = 0
        for position, node in enumerate(self._nodes):
            if node.op_type == "Conv":
                kernel = _Convolution(node, constants)
                learns = len(self._kernels) >= frozen
                kernel.requires_grad_(learns and not kernel.depthwise)
                self._kernels[_key(node)] = kernel
                if not learns:
                    self._frozen_nodes = position + 1

    def forward(self, pixels: Tensor) -> Tensor:
        """Feature maps of pictures.

        Args:
            pixels: ``(n, h, w, 3)`` uint8 RGB; the sides may differ from the encoder's own.

        Returns:
            ``(n, features, h / 32, w / 32)``, sides rounded up.
        """
        x = pixels.permute(0, 3, 1, 2).float()
        x = ((x - self._mean) / self._scale).contiguous(memory_format=torch.channels_last)
        values: dict[str, Tensor] = {self._start: x}
        with torch.no_grad():
            self._run(self._nodes[: self._frozen_nodes], values)
        self._run(self._nodes[self._frozen_nodes :], values)
        return values[FEATURES]

    def pooled(self, pixels: Tensor) -> Tensor:
        """What the linear map is applied to, ``(n, features)`` float32; see :data:`SOFTENING`."""
        return self.summary(self(pixels))

    def summary(self, maps: Tensor) -> Tensor:
        """The same of feature maps ``(n, features, h, w)``."""
        means = maps.float().mean(dim=(2, 3))
        return means if self._softening is None else softened(means, self._softening)

    def projection(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The linear map in the file: matrix ``(features, dimension)``, bias ``(dimension,)``."""
        constants = {w.name: w for w in self._model.graph.initializer}
        return numpy_helper.to_array(constants[MATRIX]), numpy_helper.to_array(constants[BIAS])

    def updated(self, others: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
        """The model with the weights as they are now.

        Args:
            others: Further constants to replace, by name, such as ``projection``. Their shapes may
                not change.

        Raises:
            EncoderError: There is no such constant, or it has another shape.
        """
        new = {name: np.asarray(value, np.float32) for name, value in others.items()}
        for kernel in self._kernels.values():
            assert isinstance(kernel, _Convolution)  # noqa: S101  # for the type checker
            new |= kernel.arrays()
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for weight in model.graph.initializer:
            value = new.pop(weight.name, None)
            if value is None:
                continue
            if tuple(weight.dims) != value.shape:
                raise _unfit(f"{weight.name!r} has shape {tuple(weight.dims)}, not {value.shape}")
            weight.CopyFrom(numpy_helper.from_array(value, weight.name))
        if new:
            raise _unfit(f"it has no constant {min(new)!r}")
        return model

    def _run(self, nodes: list[onnx.NodeProto], values: dict[str, Tensor]) -> None:
        for node in nodes:
            inputs = [values[name] for name in node.input if name in values]
            if node.op_type == "Conv":
                result = self._kernels[_key(node)](inputs[0])
            elif node.op_type == "Clip":
                result = functional.relu6(inputs[0])
            elif node.op_type == "Add":
                result = inputs[0] + inputs[1]
            else:
                result = torch.cat(inputs, dim=1)
            values[node.output[0]] = result


def softened(means: Tensor, softening: float) -> Tensor:
    """Unit rows of ``x / sqrt(x + softening)``: nearly the square root, with a finite slope at 0.

    It keeps a few large features from drowning the many small ones (as for histograms: Arandjelovic
    and Zisserman, CVPR 2012).

    Args:
        means: ``(n, d)`` float32, not negative.
        softening: More than 0.
    """
    return functional.normalize(means / torch.sqrt(means + softening), dim=1)


class _Convolution(nn.Module):
    """One convolution with a bias and TensorFlow's SAME padding.

    SAME gives ``ceil(side / stride)`` outputs, and pads one more pixel at the end than at the
    beginning where the number is odd.
    """

    def __init__(self, node: onnx.NodeProto, constants: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()
        settings = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self._names = tuple(node.input[1:])
        weight, bias = (torch.from_numpy(constants[name].copy()) for name in self._names)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.stride = int(settings["strides"][0])
        self.groups = int(settings.get("group", 1))
        self.depthwise = self.groups > 1

    def forward(self, x: Tensor) -> Tensor:
        before, after = _same(x.shape[-1], self.weight.shape[-1], self.stride)
        above, below = _same(x.shape[-2], self.weight.shape[-1], self.stride)
        padding = before
        if (before, above) != (after, below) or before != above:
            x, padding = functional.pad(x, (before, after, above, below)), 0
        if not self.depthwise:
            return functional.conv2d(x, self.weight, self.bias, self.stride, padding)
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled("cpu"):
            half = torch.get_autocast_dtype("cpu")
            x, weight, bias = x.to(half), weight.to(half), bias.to(half)
        result: Tensor = _FixedDepthwise.apply(x, weight, bias, self.stride, padding)  # type: ignore[no-untyped-call]
        return result

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights by their names in the graph."""
        return {
            name: value.detach().float().cpu().numpy()
            for name, value in zip(self._names, (self.weight, self.bias), strict=True)
        }


class _FixedDepthwise(torch.autograd.Function):
    """A depthwise convolution whose filters do not learn.

    The gradient of its input is a depthwise convolution too, with the filters turned by half a turn
    and zeros between the positions a stride has left out; as such it runs several times faster.
    """

    @staticmethod
    def forward(  # noqa: PLR0917  # PyTorch passes them by position
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, pad: int
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.shape, ctx.stride, ctx.pad = x.shape, stride, pad
        return functional.conv2d(x, weight, bias, stride, pad, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:  # type: ignore[override]
        (weight,) = ctx.saved_tensors
        kernel, pad = weight.shape[-1], ctx.pad
        if ctx.stride > 1:
            sides = [side + 2 * pad - kernel + 1 for side in ctx.shape[2:]]
            spread = gradient.new_zeros((*gradient.shape[:2], *sides)).contiguous(
                memory_format=torch.channels_last
            )
            spread[:, :, :: ctx.stride, :: ctx.stride] = gradient
            gradient = spread
        turned = weight.flip((2, 3))
        back = functional.conv2d(gradient, turned, padding=kernel - 1 - pad, groups=len(weight))
        return back, None, None, None, None


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def _trunk(graph: onnx.GraphProto) -> tuple[str, list[onnx.NodeProto]]:
    """Name of the normalised pixels, and the nodes from there to the feature map."""
    start: str = PIXELS
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type in _NORMALISING and not nodes and start in node.input:
            start = node.output[0]
        elif node.op_type in _UNDERSTOOD:
            nodes.append(node)
        else:
            raise _unfit(f"node {node.name!r} before {FEATURES!r} is a {node.op_type}")
        if FEATURES in node.output:
            return start, nodes
    raise _unfit(f"it has no node {FEATURES!r}")


def _key(node: onnx.NodeProto) -> str:
    return node.name.replace(".", "_")


def _unfit(reason: str) -> EncoderError:
    return EncoderError(
        f"This model cannot be trained: {reason}. Start from the encoder 'lite', or from a folder "
        "that shopsight train has written"
    )
