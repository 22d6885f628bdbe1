"""Published encoders: downloaded and exported at the first use, then read from the cache."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from shopsight.encoders.folder import is_folder, load_folder
from shopsight.encoders.known import KnownEncoder
from shopsight.errors import EncoderError, MissingExtraError

if TYPE_CHECKING:
    from shopsight.encoders.onnx import PlainOnnxEncoder

SOURCES = "sources"
"""Folder in the cache for what was downloaded, or put there by hand."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "transformers": ("torch", "onnxscript", "transformers", "tokenizers", "huggingface_hub"),
    "open_clip": ("torch", "onnxscript", "open_clip", "tokenizers", "huggingface_hub"),
}
_TOKENIZER_FILES = ("*token*.json", "*.txt", "*.model", "vocab*.json", "special_tokens_map.json")
_WANTED: Mapping[str, tuple[str, ...]] = {
    "transformers": ("config.json", "*processor_config.json", "model*.safetensors*"),
    "open_clip": ("open_clip_config.json", "open_clip_model.safetensors"),
}


def folder_of(known: KnownEncoder, cache: Path) -> Path:
    """Where the encoder folder of a published model is, or will be.

    Args:
        known: The model. If its source is a folder here, its content is part of the name, so that a
            changed model is exported again.
        cache: The cache folder.
    """
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", known.name).strip("-.")
    local = _local_source(known)
    if local is not None:
        listing = sorted(
            (path.name, path.stat().st_size, path.stat().st_mtime_ns)
            for path in local.iterdir()
            if path.is_file()
        )
        told = f"{known.loader} {local.resolve()} {listing}"
    else:
        told = f"{known.loader} {known.source}"
    return cache / f"{slug[-60:]}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def is_cached(known: KnownEncoder, cache: Path) -> bool:
    """Whether a published model can be loaded without a download and without PyTorch."""
    return is_folder(folder_of(known, cache))


def load_known(known: KnownEncoder, cache: Path, *, threads: int = 0) -> PlainOnnxEncoder:
    """Load a published model; the first time it is downloaded and exported, which takes minutes.

    Args:
        known: The model.
        cache: The cache folder; made when missing.
        threads: Threads for one call; 0: one per core.

    Raises:
        MissingExtraError: It is not in the cache, and the extra ``clip`` is not installed.
        EncoderError: It cannot be downloaded, read or exported; the message says what to do.
    """
    return load_folder(obtain(known, cache), threads=threads)


def obtain(known: KnownEncoder, cache: Path) -> Path:
    """Make sure that a published model is in the cache.

    Several processes may ask at once: one exports, the others wait for it. What is interrupted
    leaves no folder, and a download goes on where it stopped.

    Args:
        known: The model.
        cache: The cache folder; made when missing.

    Returns:
        Its encoder folder.

    Raises:
        MissingExtraError: It is not in the cache, and the extra ``clip`` is not installed.
        EncoderError: It cannot be downloaded, read or exported; the message says what to do.
    """
    folder = folder_of(known, cache)
    if is_folder(folder):
        return folder
    missing = [name for name in _NEEDED[known.loader] if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"The encoder {known.name!r} is not in the cache yet (looked for {folder}): making it "
            f"once ({', '.join(missing)} missing)",
            "clip",
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{folder.name}.lock"):
            if not is_folder(folder):
                _make(known, cache, folder)
    except OSError as error:
        raise EncoderError(
            f"The cache of encoders, {cache}, cannot be written ({error}): set "
            "SHOPSIGHT_ENCODER_CACHE to another folder"
        ) from error
    return folder


def _make(known: KnownEncoder, cache: Path, folder: Path) -> None:
    from shopsight.encoders.export import export_towers
    from shopsight.encoders.towers import load_open_clip, load_transformers

    by_tag = known.loader == "open_clip" and _is_tag(known)
    source = _local_source(known)
    placed = cache / SOURCES / known.source.replace("/", "--")
    downloaded = source is None and not by_tag and not placed.is_dir()
    if downloaded:
        _download(known, placed, folder)
    if by_tag:
        towers = load_open_clip(known.source)
    elif known.loader == "open_clip":
        towers = load_open_clip(source or placed)
    else:
        towers = load_transformers(source or placed)
    export_towers(
        towers,
        folder,
        name=known.name,
        licence=known.licence,
        source=f"{known.loader}: {known.source}",
        languages=known.languages,
    )
    if downloaded:  # it is as large as what was made of it, and no longer needed
        shutil.rmtree(placed, ignore_errors=True)


def _download(known: KnownEncoder, place: Path, folder: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    part = place.with_name(f".{place.name}.part")
    wanted = [*_WANTED[known.loader], *_TOKENIZER_FILES]
    try:
        part.mkdir(parents=True, exist_ok=True)
        snapshot_download(known.source, local_dir=part, allow_patterns=wanted)
        if not any(part.glob("*.safetensors")):  # published before that format was
            snapshot_download(known.source, local_dir=part, allow_patterns="*pytorch_model*.bin*")
        part.rename(place)
    except HFValidationError as error:
        raise EncoderError(
            f"{known.source!r} is neither a repository (OWNER/NAME) nor a folder here"
        ) from error
    except (OSError, RuntimeError) as error:
        consent = (
            f" Its publishers want a consent first: give it at https://huggingface.co/"
            f"{known.source}, then log in with `hf auth login`."
            if known.gated
            else ""
        )
        raise EncoderError(
            f"The encoder {known.name!r} could not be downloaded from the Hugging Face Hub: "
            f"{str(error).splitlines()[0]}.{consent} Without access from here, either get the "
            f"repository elsewhere (`hf download {known.source} --local-dir DIR`) and put its "
            f"files ({', '.join(_WANTED[known.loader])}, tokenizer) into {place}; or load the "
            f"encoder on another computer and copy its folder to {folder}"
        ) from error


def _local_source(known: KnownEncoder) -> Path | None:
    path = Path(known.source)
    return path if path.is_dir() else None


def _is_tag(known: KnownEncoder) -> bool:
    """Whether an ``open_clip`` source is an architecture of the library with a tag."""
    import open_clip

    name, _, tag = known.source.rpartition("/")
    return tag in open_clip.list_pretrained_tags_by_model(name) or Path(tag).is_file()
