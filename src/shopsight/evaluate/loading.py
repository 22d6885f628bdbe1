"""Encoders to compare, by name or path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.encoders.folder import is_folder, read_folder
from shopsight.encoders.specs import LITE, MODELS
from shopsight.errors import SettingsError


@contextmanager
def loaded(names: Sequence[str], *, threads: int = 0) -> Iterator[dict[str, Encoder]]:
    """Encoders by name, closed at the end.

    Args:
        names: As :func:`shopsight.encoders.load_encoder` takes them, each once.
        threads: Threads of each for one call; 0: one per core.

    Raises:
        SettingsError: There is no name, one comes twice, or no encoder has it.
        EncoderError: A model cannot be loaded.
    """
    if not names:
        raise SettingsError("There is no encoder to measure: name at least one.")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise SettingsError(f"The encoder {twice[0]!r} is named twice: name each once.")
    with ExitStack() as open_ones:
        encoders: dict[str, Encoder] = {}
        for name in names:
            encoders[name] = load_encoder(name, threads=threads)
            open_ones.callback(encoders[name].close)
        yield encoders


def model_size(name: str) -> int | None:
    """Bytes of an encoder's model file; ``None`` where it has none, or it is not known which."""
    if name == LITE.name:
        path = MODELS / LITE.file
    elif is_folder(Path(name)):
        path = Path(name) / read_folder(Path(name)).file
    else:
        return None
    return path.stat().st_size
