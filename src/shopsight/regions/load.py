"""Finders by name."""

from __future__ import annotations

from pathlib import Path

from shopsight.errors import SettingsError
from shopsight.regions.base import RegionFinder

DEFAULT = "default"


def load_finder(name: str = DEFAULT, *, threads: int = 0) -> RegionFinder:
    """Load what finds things on pictures.

    Args:
        name: ``default``: the network that comes with Shopsight; or the path of an ``.onnx`` file
            with YOLOX's output layout (see :mod:`shopsight.regions.yolox`).
        threads: Threads for one call; 0: one per core.

    Raises:
        SettingsError: The name is neither.
        EncoderError: The model is missing, damaged, or of another layout.
    """
    if name == DEFAULT:
        from shopsight.regions.head import HeadFinder

        return HeadFinder(threads=threads)
    if Path(name).suffix.lower() == ".onnx":
        from shopsight.regions.yolox import YoloxFinder

        return YoloxFinder(Path(name), threads=threads)
    raise SettingsError(
        f"{name!r} is no detector: give 'default', or the path of an .onnx file with YOLOX's output"
    )
