"""Encoders: from prepared pixels to unit vectors. Importing this package loads no model runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shopsight.encoders.backends import EngineChoice
    from shopsight.encoders.files import FileEncoder


def load_encoder(
    name: str = "lite", *, threads: int = 0, engine: EngineChoice | None = None
) -> FileEncoder:
    """Load an encoder by name, or from a folder.

    Args:
        name: A built-in encoder, or one that an installed package adds (see
            ``shopsight.plugins``), or the path of an encoder folder,
            such as ``shopsight train`` makes.
        threads: Threads it may use for one call; 0: one per core.
        engine: What runs its model, and how precisely; without it, ONNX Runtime in float32. Does
            not concern encoders that run no ONNX model.

    Returns:
        An encoder that also reads files: ``load_encoder("lite").encode_files(paths)``.

    Raises:
        SettingsError: No encoder has this name; the message lists those that exist.
        EncoderError: Its model cannot be loaded, or not be run by the engine.
    """
    encoder = _load(name, threads)
    if engine is None:
        return encoder
    from shopsight.encoders.backends import with_fastest
    from shopsight.encoders.onnx import PlainOnnxEncoder

    return with_fastest(encoder, engine) if isinstance(encoder, PlainOnnxEncoder) else encoder


def _load(name: str, threads: int) -> FileEncoder:
    from pathlib import Path

    from shopsight import plugins
    from shopsight.encoders.files import FileEncoder
    from shopsight.encoders.folder import is_folder, load_folder
    from shopsight.errors import EncoderError

    if name not in plugins.names("encoders") and (is_folder(Path(name)) or Path(name).name != name):
        return load_folder(Path(name), threads=threads)
    encoder = plugins.load("encoders", name)(threads=threads)
    if not isinstance(encoder, FileEncoder):
        raise EncoderError(
            f"The plug-in of encoder {name!r} makes a {type(encoder).__name__}, which lacks a "
            "method of an encoder: derive its class from shopsight.encoders.files.EncodesFiles and "
            "run shopsight.testing.encoder on it"
        )
    return encoder
