"""Mean features of pictures under a trunk that does not learn, kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shopsight.encoders.specs import ModelFacts
from shopsight.errors import StorageError
from shopsight.train.network import OnnxNetwork
from shopsight.train.split import Checked
from shopsight.train.views import Pixels, plain_view, random_view

_PART = 128
_BATCH = 16


def half_precision() -> bool:
    """Whether this processor computes in bfloat16, which then halves the time."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_tile") or found.get("amx_bf16"))


def pooled(trunk: OnnxNetwork, pixels: Pixels) -> NDArray[np.float32]:
    """Mean features of prepared pictures.

    Args:
        trunk: The network.
        pixels: ``(n, side, side, 3)`` uint8.

    Returns:
        ``(n, features)`` float32.
    """
    parts = []
    enabled = half_precision()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        for start in range(0, len(pixels), _BATCH):
            batch = torch.from_numpy(pixels[start : start + _BATCH])
            parts.append(trunk.pooled(batch).numpy())
    empty = np.empty((0, trunk.features), np.float32)
    return np.concatenate(parts) if parts else empty


class FeatureCache:
    """Features of several views of each picture: the plain one first, then random ones.

    Kept in parts, so that work that was cut short goes on where it stopped.

    Args:
        folder: Where the parts are kept; made when missing.
        trunk: The network.
        facts: About its encoder.
        views: Views per picture, at least 1.
        seed: Of the random views.
    """

    def __init__(
        self, folder: Path, trunk: OnnxNetwork, facts: ModelFacts, *, views: int, seed: int
    ) -> None:
        self._folder, self._trunk, self._facts = folder, trunk, facts
        self._views, self._seed = views, seed

    def features(
        self,
        model_digest: str,
        photos: Sequence[Checked],
        progress: Callable[[int], None] = lambda _: None,
    ) -> NDArray[np.float16]:
        """Features of photos.

        Args:
            model_digest: SHA-256 of the model's file.
            photos: The pictures.
            progress: Told the number of pictures done.

        Returns:
            ``(n, views, features)`` float16.

        Raises:
            StorageError: The folder cannot be written.
        """
        found = np.empty((len(photos), self._views, self._trunk.features), np.float16)
        for start in range(0, len(photos), _PART):
            part = photos[start : start + _PART]
            found[start : start + len(part)] = self._part(model_digest, part)
            progress(start + len(part))
        return found

    def _part(self, model_digest: str, photos: Sequence[Checked]) -> NDArray[np.float16]:
        about = [model_digest, self._facts.preprocessing.model_dump(), self._views, self._seed]
        text = json.dumps([*about, [one.digest for one in photos]])
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        path = self._folder / f"{name}.npy"
        shape = (len(photos), self._views, self._trunk.features)
        try:
            kept: NDArray[np.float16] = np.load(path, allow_pickle=False)
            if kept.shape == shape:
                return kept
        except (OSError, ValueError, EOFError):
            pass  # not there, or damaged: made again
        made = self._made(photos).astype(np.float16).reshape(shape)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            with temporary.open("wb") as file:
                np.save(file, made)
            temporary.replace(path)
        except OSError as error:
            raise StorageError(f"Features cannot be kept in {self._folder}: {error}") from error
        return made

    def _made(self, photos: Sequence[Checked]) -> NDArray[np.float32]:
        side = self._facts.preprocessing.size

        def views(one: Checked) -> list[Pixels]:
            rng = np.random.default_rng([self._seed, int(one.digest[:12], 16)])
            path = one.photo.path
            others = [random_view(path, side, rng) for _ in range(self._views - 1)]
            return [plain_view(path, self._facts.preprocessing), *others]

        with ThreadPoolExecutor(2) as pool:
            pixels = [view for found in pool.map(views, photos) for view in found]
        return pooled(self._trunk, np.stack(pixels))
