"""Encoder folders: a model, the facts about it, and its card, side by side.

A folder holds ``encoder.json`` (:class:`shopsight.encoders.specs.ModelFacts`), ``model.onnx`` (the
graph that :class:`shopsight.encoders.onnx.PlainOnnxEncoder` takes) and ``README.md`` (the card).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shopsight.encoders.specs import ModelFacts
from shopsight.errors import EncoderError

if TYPE_CHECKING:
    from shopsight.encoders.onnx import PlainOnnxEncoder

FACTS, MODEL, CARD = "encoder.json", "model.onnx", "README.md"
"""Names of the files in an encoder folder."""


def is_folder(path: Path) -> bool:
    """Whether a path is an encoder folder, complete or not: it has an ``encoder.json``."""
    return (path / FACTS).is_file()


def read_folder(path: Path) -> ModelFacts:
    """The facts about the encoder in a folder.

    Args:
        path: The encoder folder.

    Raises:
        EncoderError: There is no such folder, its ``encoder.json`` is missing or damaged, or names
            a file elsewhere.
    """
    facts_path = path / FACTS
    try:
        text = facts_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EncoderError(
            f"{path} is no encoder folder: {facts_path} cannot be read ({error}). A folder that "
            f"`shopsight train` makes has {FACTS}, {MODEL} and {CARD}"
        ) from error
    try:
        facts = ModelFacts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EncoderError(f"{facts_path} cannot be used: {where}: {first['msg']}") from error
    if Path(facts.file).name != facts.file:
        raise EncoderError(f"{facts_path} names {facts.file!r}, which is not in its folder")
    return facts


def write_folder(
    path: Path,
    facts: ModelFacts,
    model: bytes | Path,
    card: str,
    *,
    others: Mapping[str, bytes | Path] | None = None,
) -> ModelFacts:
    """Make an encoder folder, whole or not at all: it is written beside its place, then renamed.

    Args:
        path: The folder; an encoder folder that is there already is replaced.
        facts: What is known about the model; ``file`` and ``sha256`` are filled in.
        model: The ONNX file, or its bytes.
        card: What people should know about the model, as Markdown.
        others: Further files by name, such as a text tower.

    Returns:
        The facts as written.

    Raises:
        EncoderError: The place is taken by something else, or cannot be written.
    """
    if path.exists() and not is_folder(path) and (not path.is_dir() or any(path.iterdir())):
        raise EncoderError(f"{path} is there already and is no encoder folder: choose another")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            written = _fill(made, facts, model, card, others or {})
            made.chmod(0o755)  # mkdtemp lets nobody else in
            _swap(made, path)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise EncoderError(f"The encoder folder {path} cannot be written: {error}") from error
    return written


def load_folder(path: Path, *, threads: int = 0) -> PlainOnnxEncoder:
    """Load the encoder in a folder.

    Args:
        path: The encoder folder.
        threads: Threads for one call; 0: one per core.

    Returns:
        An encoder, with cells if its graph has them, or with a text tower if the facts name one.

    Raises:
        EncoderError: The folder is incomplete or damaged, or its model cannot be run.
    """
    from shopsight.encoders.onnx import load_model

    facts = read_folder(path)
    if facts.text is not None:
        from shopsight.encoders.text import TextOnnxEncoder

        return TextOnnxEncoder(facts, path, threads=threads)
    return load_model(facts, path / facts.file, threads=threads)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(
    folder: Path,
    facts: ModelFacts,
    model: bytes | Path,
    card: str,
    others: Mapping[str, bytes | Path],
) -> ModelFacts:
    for name, content in {**others, MODEL: model}.items():
        if isinstance(content, Path):
            shutil.copyfile(content, folder / name)
        else:
            (folder / name).write_bytes(content)
    written = facts.model_copy(update={"file": MODEL, "sha256": sha256_of(folder / MODEL)})
    (folder / CARD).write_text(card, encoding="utf-8")
    (folder / FACTS).write_text(written.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return written


def _swap(made: Path, path: Path) -> None:
    """Put a new folder in the place of the old one, if there is one."""
    if not path.exists():
        made.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    path.rename(old)  # an empty folder is replaced
    made.rename(path)
    shutil.rmtree(old, ignore_errors=True)
