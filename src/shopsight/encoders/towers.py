"""Published networks in PyTorch, before they become ONNX. Needs the extra ``clip``.

Only imported to export a model: what is exported runs without PyTorch.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn

from shopsight.encoders.preparation import Preparation, of_open_clip, read_transformers
from shopsight.errors import EncoderError

OPEN_CLIP_CONFIG = "open_clip_config.json"
"""File that marks a folder in the format of ``open_clip``."""

FAILURES: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    ImportError,
    SafetensorError,
)
"""What both libraries raise for damaged or foreign files; neither has a base for its errors."""


@dataclass(frozen=True)
class TextTower:
    """From token numbers to vectors.

    Attributes:
        network: ``(n, length)`` int64 -> ``(n, dimension)`` float32, of any length.
        tokenizer: Makes the token numbers, but for cutting and padding.
        length: Tokens per text.
        pad_id: Number of the token for padding.
    """

    network: nn.Module
    tokenizer: Tokenizer
    length: int
    pad_id: int


@dataclass(frozen=True)
class Towers:
    """A published model, ready to be exported.

    Attributes:
        network: ``(n, 3, size, size)`` float32, normalised -> ``(n, dimension)``, of any length.
        preparation: How pictures become its input.
        text: The text tower, if there is one whose tokenizer can be kept.
    """

    network: nn.Module
    preparation: Preparation
    text: TextTower | None = None


class _Pooled(nn.Module):
    """A tower of ``transformers``, with the projection after it."""

    def __init__(self, tower: nn.Module, projection: nn.Module | None = None) -> None:
        super().__init__()
        self.tower = tower
        self.projection = projection or nn.Identity()

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """Pooled and projected output."""
        projected: torch.Tensor = self.projection(self.tower(given).pooler_output)
        return projected


class _OpenClipText(nn.Module):
    """The text tower of an ``open_clip`` model, whose parts lie in the model itself."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Output of the tower."""
        encoded: torch.Tensor = self.model.encode_text(tokens)  # type: ignore[operator]
        return encoded


def load_transformers(folder: Path) -> Towers:
    """Read a model in the format of ``transformers``.

    Args:
        folder: Has ``config.json``, weights, ``preprocessor_config.json``, and the tokenizer.

    Raises:
        EncoderError: A file is missing or damaged, or the model is of a kind not supported.
    """
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, attn_implementation="eager"
        )
    except FAILURES as error:
        raise _unreadable(folder, "transformers", error) from error
    model.eval()
    kind = str(model.config.model_type)
    preparation = read_transformers(folder)
    if kind == "clip":
        return Towers(
            _Pooled(model.vision_model, model.visual_projection),
            preparation,
            _text_tower(folder, _Pooled(model.text_model, model.text_projection), model.config),
        )
    if kind == "siglip":
        text = _text_tower(folder, _Pooled(model.text_model), model.config)
        return Towers(_Pooled(model.vision_model), preparation, text)
    if kind in {"dinov2", "dinov2_with_registers", "dinov3_vit", "vit"}:
        return Towers(_Pooled(model), preparation)
    raise EncoderError(
        f"{folder.name} is a model of the kind {kind!r}; clip, siglip, dinov2, dinov3_vit and vit "
        "can be used by name: export others to ONNX and use the file (docs/encoders.md)"
    )


def load_open_clip(source: Path | str) -> Towers:
    """Read a model in the format of ``open_clip``.

    Args:
        source: A folder with ``open_clip_config.json``, weights and the tokenizer; or
            ``ARCHITECTURE/PRETRAINED``, which the library downloads when it has not done so before.

    Raises:
        EncoderError: It cannot be had, is damaged, or of a kind not supported.
    """
    import open_clip

    name, _, tag = (
        (f"local-dir:{source}", "", "") if isinstance(source, Path) else (source.rpartition("/"))
    )
    try:
        model = open_clip.create_model(
            name, pretrained=tag or None, precision="fp32", require_pretrained=True
        )
        tokenizer = open_clip.get_tokenizer(name)
    except FAILURES as error:
        raise _unreadable(source, "open_clip", error) from error
    model.eval()
    preparation = of_open_clip(open_clip.get_model_preprocess_cfg(model))
    pictures = model.visual
    del model.visual  # what is left is the text tower
    return Towers(pictures, preparation, _open_clip_text(_OpenClipText(model), tokenizer))


def _text_tower(folder: Path, network: nn.Module, config: Any) -> TextTower | None:
    """The text tower of a ``transformers`` model; none when its tokenizer cannot be kept."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except FAILURES:
        return None
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer) or tokenizer.pad_token_id is None:
        return None
    length = int(config.text_config.max_position_embeddings)
    return TextTower(network, _copy(backend), length, int(tokenizer.pad_token_id))


def _open_clip_text(network: nn.Module, tokenizer: Any) -> TextTower | None:
    """The text tower of an ``open_clip`` model; none when its tokenizer cannot be kept."""
    from open_clip import SimpleTokenizer

    length = int(tokenizer.context_length)
    cleaning = _cleaning(getattr(tokenizer.clean_fn, "__name__", ""))
    if cleaning is None:
        return None
    if isinstance(tokenizer, SimpleTokenizer):
        if tokenizer.reduction_fn is not None:
            return None
        backend = _clip_tokenizer(tokenizer)
        pad_id = 0
    else:
        kept = getattr(getattr(tokenizer, "tokenizer", None), "backend_tokenizer", None)
        plain = not (tokenizer.tokenizer_mode or tokenizer.strip_sep_token)
        if not isinstance(kept, Tokenizer) or not plain:
            return None
        backend, pad_id = _copy(kept), int(tokenizer.tokenizer.pad_token_id)
    after = [backend.normalizer] if backend.normalizer is not None else []
    backend.normalizer = normalizers.Sequence([*cleaning, *after])
    return TextTower(network, backend, length, pad_id)


def _cleaning(name: str) -> Sequence[normalizers.Normalizer] | None:
    """What ``open_clip`` does to texts first, but for repairs of broken encodings and HTML."""
    spaces = [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    punctuation = "".join(f"\\x{{{ord(sign):02X}}}" for sign in string.punctuation if sign != "_")
    known: dict[str, list[normalizers.Normalizer]] = {
        "_clean_whitespace": spaces,
        "_clean_lower": [*spaces, normalizers.Lowercase()],
        "_clean_canonicalize": [
            normalizers.Replace("_", " "),
            normalizers.Replace(Regex(f"[{punctuation}]"), ""),
            normalizers.Lowercase(),
            *spaces,
        ],
    }
    return known.get(name)


def _clip_tokenizer(simple: Any) -> Tokenizer:
    """The byte-pair encoding of OpenAI's CLIP, which ``open_clip`` does in Python."""
    backend = Tokenizer(
        models.BPE(
            vocab=dict(simple.encoder),
            merges=list(simple.bpe_ranks),
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
        )
    )
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    start, end = "<start_of_text>", "<end_of_text>"
    backend.post_processor = processors.TemplateProcessing(
        single=f"{start} $0 {end}",
        special_tokens=[(start, simple.sot_token_id), (end, simple.eot_token_id)],
    )
    return backend


def _copy(tokenizer: Tokenizer) -> Tokenizer:
    copied: Tokenizer = Tokenizer.from_str(tokenizer.to_str())
    return copied


def _unreadable(source: object, library: str, error: Exception) -> EncoderError:
    return EncoderError(
        f"{source} is not a model that {library} can read ({error}): check that its files are "
        "complete"
    )
