"""Encoders with a text tower: words and pictures as vectors of one space."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shopsight.encoders.base import Vectors
from shopsight.encoders.onnx import (
    EMBEDDING,
    PlainOnnxEncoder,
    open_session,
)
from shopsight.encoders.specs import ModelFacts, TextFacts
from shopsight.errors import EncoderError, MissingExtraError
from shopsight.onnx_errors import RUNTIME_ERRORS

TOKENS = "tokens"
"""Name of the text graph's input."""

TEXTS_PER_RUN = 16
"""Bounds the memory of a call, whatever the number of texts."""

Tokenize = Callable[[Sequence[str]], NDArray[np.int64]]
"""Texts to ``(n, length)`` token numbers."""


class TextOnnxEncoder(PlainOnnxEncoder):
    """An encoder of pictures and texts, in two ONNX files and a tokenizer's.

    The text tower is loaded at the first text, so that who only compares pictures does not pay for
    it. Safe to call from several threads.

    Args:
        facts: What is known about the model; ``facts.text`` describes the text tower.
        folder: Where the files are.
        threads: Threads for one call; 0: one per core.

    Raises:
        EncoderError: A file is missing, damaged, or not such a graph.
    """

    def __init__(self, facts: ModelFacts, folder: Path, *, threads: int = 0) -> None:
        if facts.text is None:
            raise EncoderError(f"The encoder {facts.name!r} in {folder} has no text tower")
        super().__init__(facts, folder / facts.file, threads=threads)
        self._folder = folder
        self._text_facts = facts.text
        self._text: tuple[ort.InferenceSession, Tokenize] | None = None
        self._loading = threading.Lock()

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see :meth:`shopsight.encoders.base.TextEncoder.encode_texts`.

        Raises:
            MissingExtraError: The package ``tokenizers`` is not installed.
        """
        session, tokenize = self._text_tower()
        vectors = np.empty((len(texts), self._spec.dimension), np.float32)
        remaining, start = iter(texts), 0
        while batch := list(islice(remaining, TEXTS_PER_RUN)):
            (found,) = self._run(session, [EMBEDDING], {TOKENS: tokenize(batch)})
            vectors[start : start + len(batch)] = found
            start += len(batch)
        return vectors

    def close(self) -> None:
        """Free both models, once the calls under way have ended. Further calls are errors."""
        super().close()
        with self._loading:
            self._text = None

    def _text_tower(self) -> tuple[ort.InferenceSession, Tokenize]:
        with self._loading:
            if self._session is None:
                raise self._closed()
            if self._text is None:
                facts = self._text_facts
                model = _checked(self._folder / facts.file, facts.sha256)
                tokenizer = _checked(self._folder / facts.tokenizer, facts.tokenizer_sha256)
                tokenize = load_tokenizer(tokenizer, facts)
                try:
                    session = open_session(model, self._threads)
                except RUNTIME_ERRORS as error:
                    raise EncoderError(
                        f"The text tower {model} cannot be run: delete its folder, so that it is "
                        f"made again ({error})"
                    ) from error
                self._text = (session, tokenize)
            return self._text


def load_tokenizer(path: Path, facts: TextFacts) -> Tokenize:
    """A function from texts to token numbers.

    Args:
        path: File of the tokenizer.
        facts: Length and padding.

    Raises:
        MissingExtraError: The package ``tokenizers`` is not installed.
        EncoderError: The file is no tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("Encoding texts", "text") from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises no other kind
        raise EncoderError(f"The tokenizer {path} cannot be read: {error}") from error
    tokenizer.enable_truncation(facts.length)
    tokenizer.enable_padding(length=facts.length, pad_id=facts.pad_id)

    def tokenize(texts: Sequence[str]) -> NDArray[np.int64]:
        encoded = tokenizer.encode_batch(list(texts))
        return np.array([text.ids for text in encoded], np.int64).reshape(-1, facts.length)

    return tokenize


def _checked(path: Path, sha256: str) -> Path:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(
            f"{path} cannot be read ({error.strerror}): the folder of the encoder is incomplete"
        ) from error
    if found != sha256:
        raise EncoderError(
            f"{path} is damaged (its SHA-256 is not the expected one): delete its folder, so that "
            "it is made again"
        )
    return path
