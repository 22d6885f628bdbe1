"""The encoder that training starts from."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shopsight.encoders.folder import is_folder, read_folder
from shopsight.encoders.specs import LITE, MODELS, ModelFacts
from shopsight.errors import EncoderError, MissingExtraError

if TYPE_CHECKING:
    import onnx

NEEDED = ("torch", "onnx", "tensorboard")
"""Packages of the extra ``train``."""


def require_extra() -> None:
    """Check that everything is installed that training needs.

    Raises:
        MissingExtraError: A package of the extra is missing.
    """
    if any(find_spec(name) is None for name in NEEDED):
        raise MissingExtraError("Training", "train")


def starting_point(name: str) -> tuple[ModelFacts, Path]:
    """Facts about an encoder, and its ONNX file.

    Args:
        name: ``lite``, or the path of an encoder folder.

    Raises:
        EncoderError: It is neither, or the folder is damaged.
    """
    if name == LITE.name:
        return LITE, MODELS / LITE.file
    path = Path(name)
    if not is_folder(path):
        raise EncoderError(
            f"{name!r} cannot be trained: start from {LITE.name!r}, or from the folder of an "
            "encoder that was trained from it"
        )
    facts = read_folder(path)
    return facts, path / facts.file


def read_model(path: Path) -> onnx.ModelProto:
    """An ONNX file.

    Raises:
        EncoderError: It is missing or damaged.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path)
    except (OSError, DecodeError) as error:
        raise EncoderError(
            f"{path} cannot be read as an ONNX model: get the encoder again ({error})"
        ) from error
