"""From a network in PyTorch to an encoder folder. Needs the extra ``clip``."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from shopsight.encoders.folder import sha256_of, write_folder
from shopsight.encoders.onnx import EMBEDDING, PIXELS
from shopsight.encoders.preparation import Color
from shopsight.encoders.specs import ModelFacts, TextFacts
from shopsight.encoders.text import TOKENS
from shopsight.encoders.towers import TextTower, Towers
from shopsight.errors import EncoderError
from shopsight.onnx_errors import RUNTIME_ERRORS

LARGEST = 2_000_000_000
"""Bytes of weights: an ONNX file holds 2 GiB at most."""

SAME = 0.9999
"""Least cosine between what PyTorch and ONNX Runtime compute."""

TEXT_FILE, TOKENIZER_FILE = "text.onnx", "tokenizer.json"

_EXAMPLES = 2


class _Pictures(nn.Module):
    """From uint8 pixels to unit vectors, with the normalisation inside."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, network: nn.Module, mean: Color, std: Color) -> None:
        super().__init__()
        self.network = network
        scale = 1 / (255 * torch.tensor(std, dtype=torch.float64))
        shift = -torch.tensor(mean, dtype=torch.float64) * 255 * scale
        self.register_buffer("scale", scale.float().view(1, 3, 1, 1))
        self.register_buffer("shift", shift.float().view(1, 3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """``(n, size, size, 3)`` uint8 -> ``(n, dimension)``."""
        planes = pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift
        return functional.normalize(self.network(planes), dim=-1)


class _Texts(nn.Module):
    """From token numbers to unit vectors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """``(n, length)`` int64 -> ``(n, dimension)``."""
        return functional.normalize(self.network(tokens), dim=-1)


def export_towers(
    towers: Towers,
    folder: Path,
    *,
    name: str,
    licence: str,
    source: str,
    languages: tuple[str, ...] = (),
) -> ModelFacts:
    """Write the encoder folder of a published model, whole or not at all.

    Args:
        towers: The model.
        folder: The encoder folder to make.
        name: Name the encoder is loaded by.
        licence: SPDX identifier of the weights.
        source: Where they come from.
        languages: Of the texts it was trained on.

    Returns:
        The facts as written.

    Raises:
        EncoderError: The network cannot be exported, computes something else afterwards, or the
            folder cannot be written.
    """
    preparation = towers.preparation
    size = preparation.preprocessing.size
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (_EXAMPLES, size, size, 3), np.uint8)
    pictures = _Pictures(towers.network, preparation.mean, preparation.std)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as place:
            model = Path(place) / "model.onnx"
            dimension = _export(pictures, PIXELS, pixels, model)
            text: TextFacts | None = None
            others: dict[str, bytes | Path] = {}
            if towers.text is not None and _weight(towers.text.network) <= LARGEST:
                text, others = _export_text(towers.text, Path(place), dimension)
            facts = ModelFacts(
                name=name,
                file=model.name,
                dimension=dimension,
                preprocessing=preparation.preprocessing,
                licence=licence,
                source=source,
                languages=languages if text is not None else (),
                text=text,
            )
            return write_folder(folder, facts, model, _card(facts), others=others)
    except OSError as error:
        raise EncoderError(f"The encoder folder {folder} cannot be written: {error}") from error


def _export_text(
    text: TextTower, place: Path, dimension: int
) -> tuple[TextFacts, dict[str, bytes | Path]]:
    model, tokenizer = place / TEXT_FILE, place / TOKENIZER_FILE
    text.tokenizer.no_padding()
    text.tokenizer.no_truncation()
    text.tokenizer.save(str(tokenizer))
    text.tokenizer.enable_truncation(text.length)
    text.tokenizer.enable_padding(length=text.length, pad_id=text.pad_id)
    encoded = text.tokenizer.encode_batch(["a red mug", "a"])
    tokens = np.array([found.ids for found in encoded], np.int64)
    found = _export(_Texts(text.network), TOKENS, tokens, model)
    if found != dimension:
        raise EncoderError(
            f"The towers do not fit each other: pictures have {dimension} dimensions, texts {found}"
        )
    facts = TextFacts(
        file=TEXT_FILE,
        sha256=sha256_of(model),
        tokenizer=TOKENIZER_FILE,
        tokenizer_sha256=sha256_of(tokenizer),
        length=text.length,
        pad_id=text.pad_id,
    )
    return facts, {TEXT_FILE: model, TOKENIZER_FILE: tokenizer}


def _export(
    network: nn.Module, name: str, example: NDArray[np.uint8] | NDArray[np.int64], path: Path
) -> int:
    """Write a network as ONNX, compare what it computes, and tell the length of its vectors."""
    if _weight(network) > LARGEST:
        raise EncoderError(
            f"The network has {_weight(network) / 1e9:.1f} GB of weights, more than one ONNX file "
            "holds (2 GB): choose a smaller one"
        )
    network.eval()
    given = torch.from_numpy(example)
    with torch.inference_mode():
        expected: NDArray[np.float32] = network(given).numpy()
    _quietly_export(network, name, given, path)
    try:
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        (found,) = session.run([EMBEDDING], {name: example})
        (alone,) = session.run([EMBEDDING], {name: example[:1]})
    except RUNTIME_ERRORS as error:
        raise EncoderError(f"The exported network cannot be run: {error}") from error
    least = float(min((found * expected).sum(axis=1).min(), alone[0] @ expected[0]))
    if not least >= SAME:  # NaN is not
        raise EncoderError(
            f"The exported network computes something else (cosine {least:.5f}): other versions of "
            "torch and onnxscript may do better"
        )
    return int(expected.shape[1])


def _quietly_export(network: nn.Module, name: str, given: torch.Tensor, path: Path) -> None:
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (given,),
                input_names=[name],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                verbose=False,
            )
            if program is None:
                raise EncoderError("The network cannot be exported to ONNX with this torch")
            graph = program.model.graph
            # Inner values bear the names of what made them, such as an embedding layer.
            made = [value for node in graph for value in node.outputs]
            for value in [*made, *graph.initializers.values()]:
                if value.name == EMBEDDING:
                    value.name = f"inner.{value.name}"
            graph.outputs[0].name = EMBEDDING
            program.save(path, external_data=False)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError, ImportError) as error:
        raise EncoderError(f"The network cannot be exported to ONNX: {error}") from error
    finally:
        noisy.setLevel(level)


def _weight(network: nn.Module) -> int:
    """Bytes of the weights."""
    return sum(weight.numel() * weight.element_size() for weight in network.parameters())


def _card(facts: ModelFacts) -> str:
    preprocessing = facts.preprocessing
    text = (
        f"up to {facts.text.length} tokens; languages: {', '.join(facts.languages) or 'unknown'}"
        if facts.text is not None
        else "none"
    )
    return (
        f"# Model card: `{facts.name}`\n\n"
        "Exported by Shopsight from a published model; its publishers' own card says what it was "
        "trained on.\n\n"
        "| | |\n| --- | --- |\n"
        f"| Source | {facts.source} |\n"
        f"| Licence | {facts.licence} |\n"
        f"| Vectors | {facts.dimension} dimensions, float32, length 1 |\n"
        f"| Pictures | {preprocessing.size} x {preprocessing.size} pixels, {preprocessing.fit}, "
        f"{preprocessing.interpolation} |\n"
        f"| Texts | {text} |\n"
    )
