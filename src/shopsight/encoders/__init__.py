"""Encoders: from prepared pixels to unit vectors. Importing this package loads no model runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from shopsight.encoders.backends import EngineChoice
    from shopsight.encoders.files import FileEncoder


def load_encoder(
    name: str = "lite",
    *,
    threads: int = 0,
    engine: EngineChoice | None = None,
    cache: Path | None = None,
) -> FileEncoder:
    """Load an encoder by name, or from a folder or file.

    Args:
        name: A built-in encoder; one that an installed package adds (see ``shopsight.plugins``); a
            published model, such as ``siglip2-base``, ``hf:OWNER/NAME`` or
            ``open_clip:ARCHITECTURE/TAG`` (see :mod:`shopsight.encoders.known`); the path of an
            encoder folder, such as ``shopsight train`` makes; or the path of an ONNX file (see
            :mod:`shopsight.encoders.foreign`). ``@128`` after it keeps 128 numbers of its vectors
            (see :mod:`shopsight.encoders.shortened`).
        threads: Threads it may use for one call; 0: one per core.
        engine: What runs its model, and how precisely; without it, ONNX Runtime in float32. Does
            not concern encoders that run no ONNX model.
        cache: Folder for published models; without it, the one in the settings.

    Returns:
        An encoder that also reads files: ``load_encoder("lite").encode_files(paths)``.

    Raises:
        SettingsError: No encoder has this name; the message lists those that exist.
        MissingExtraError: A published model is asked for the first time, and what makes it into an
            encoder is not installed.
        EncoderError: Its model cannot be had or loaded, or not be run by the engine.
    """
    from shopsight.encoders.shortened import shortened, split_name

    base, dimension = split_name(name)
    encoder = _with_engine(_load(base, threads, cache), engine)
    return encoder if dimension is None else shortened(encoder, dimension)


def _with_engine(encoder: FileEncoder, engine: EngineChoice | None) -> FileEncoder:
    if engine is None:
        return encoder
    from shopsight.encoders.backends import with_fastest
    from shopsight.encoders.onnx import PlainOnnxEncoder

    return with_fastest(encoder, engine) if isinstance(encoder, PlainOnnxEncoder) else encoder


def _load(name: str, threads: int, cache: Path | None) -> FileEncoder:
    from shopsight import plugins
    from shopsight.encoders.files import FileEncoder
    from shopsight.errors import EncoderError

    if name not in plugins.names("encoders"):
        return _load_other(name, threads, cache)
    encoder = plugins.load("encoders", name)(threads=threads)
    if not isinstance(encoder, FileEncoder):
        raise EncoderError(
            f"The plug-in of encoder {name!r} makes a {type(encoder).__name__}, which lacks a "
            "method of an encoder: derive its class from shopsight.encoders.files.EncodesFiles and "
            "run shopsight.testing.encoder on it"
        )
    return encoder


def _load_other(name: str, threads: int, cache: Path | None) -> FileEncoder:
    """Load what is no plug-in: a folder, a file, or a published model."""
    from pathlib import Path

    from shopsight import plugins
    from shopsight.encoders.folder import is_folder, load_folder
    from shopsight.encoders.known import find, names
    from shopsight.errors import SettingsError
    from shopsight.settings import load_settings

    path = Path(name)
    if path.suffix == ".onnx" and not is_folder(path.parent):
        from shopsight.encoders.foreign import ForeignEncoder

        return ForeignEncoder(path, threads=threads)
    if path.suffix == ".onnx":
        return load_folder(path.parent, threads=threads)
    if is_folder(path):
        return load_folder(path, threads=threads)
    known = find(name)
    if known is not None:
        from shopsight.encoders.obtain import load_known

        return load_known(known, cache or load_settings().resolved_encoder_cache, threads=threads)
    if path.name != name:
        return load_folder(path, threads=threads)
    all_names = ", ".join([*plugins.names("encoders"), *names()])
    raise SettingsError(
        f"{name!r} is not one of the encoders here: {all_names}; nor is it hf:OWNER/NAME, "
        "open_clip:ARCHITECTURE/TAG, or the path of an encoder folder or of an .onnx file"
    )
