"""Encoders that others publish, as data: what they are before anything is downloaded."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MANY = "multi"
"""Stands for a hundred languages or so."""

UNKNOWN_LICENCE = "LicenseRef-unknown"
"""Licence of a model of which nothing is known here."""

_HF, _OPEN_CLIP = "hf:", "open_clip:"


class KnownEncoder(BaseModel):
    """A published model.

    Attributes:
        name: Name it is loaded by.
        loader: Library that reads it: ``transformers`` or ``open_clip``.
        source: Repository on the Hugging Face Hub, or for ``open_clip`` also
            ``ARCHITECTURE/PRETRAINED``; a folder in the format of either; see ``remote``.
        dimension: Length of its vectors; 0: not known before it is loaded.
        licence: SPDX identifier of the weights, as its publishers say.
        languages: Of the texts it was trained on, as BCP 47 codes, or :data:`MANY`; empty: unknown
            or none.
        megabytes: Of all its weights in float32: 4 bytes for each published parameter; 0: unknown.
        text: Whether it has a text tower; ``None``: not known before it is loaded.
        gated: Whether its publishers want an account and a consent before the download.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    loader: Literal["transformers", "open_clip"]
    source: str
    dimension: int = Field(default=0, ge=0)
    licence: str = UNKNOWN_LICENCE
    languages: tuple[str, ...] = ()
    megabytes: int = Field(default=0, ge=0)
    text: bool | None = None
    gated: bool = False


def _published(
    name: str, source: str, dimension: int, megabytes: int, *languages: str
) -> KnownEncoder:
    return KnownEncoder(
        name=name,
        loader="transformers",
        source=source,
        dimension=dimension,
        licence="Apache-2.0",
        languages=languages,
        megabytes=megabytes,
        text=bool(languages),
    )


KNOWN: tuple[KnownEncoder, ...] = (
    _published("siglip2-base", "google/siglip2-base-patch16-224", 768, 1501, MANY),
    _published("siglip2-base-384", "google/siglip2-base-patch16-384", 768, 1503, MANY),
    _published("clip-vit-b32", "openai/clip-vit-base-patch32", 512, 605, "en").model_copy(
        update={"licence": "MIT"}
    ),
    _published("clip-vit-l14", "openai/clip-vit-large-patch14", 768, 1711, "en").model_copy(
        update={"licence": "MIT"}
    ),
    _published(
        "marqo-ecommerce-b", "Marqo/marqo-ecommerce-embeddings-B", 768, 813, "en"
    ).model_copy(update={"loader": "open_clip"}),
    _published(
        "marqo-ecommerce-l", "Marqo/marqo-ecommerce-embeddings-L", 1024, 2609, "en"
    ).model_copy(update={"loader": "open_clip"}),
    _published("dinov2-small", "facebook/dinov2-small", 384, 88),
    _published("dinov2-base", "facebook/dinov2-base", 768, 346),
    _published("dinov3-small", "facebook/dinov3-vits16-pretrain-lvd1689m", 384, 86).model_copy(
        update={"licence": "LicenseRef-DINOv3", "gated": True}
    ),
    _published("dinov3-base", "facebook/dinov3-vitb16-pretrain-lvd1689m", 768, 343).model_copy(
        update={"licence": "LicenseRef-DINOv3", "gated": True}
    ),
)
"""Published models; check sizes and licences on their publishers' pages."""


def names() -> list[str]:
    """Names of the published models, in the order of the table."""
    return [known.name for known in KNOWN]


def find(name: str) -> KnownEncoder | None:
    """What a name stands for.

    Args:
        name: One of :func:`names`; or ``hf:REPOSITORY`` or ``open_clip:ARCHITECTURE/PRETRAINED``
            for a model that is not in the table; or the same with ``hf:FOLDER`` or
            ``open_clip:FOLDER`` for one in a folder here.

    Returns:
        The model, with what is known about it; ``None`` if the name is none of these.
    """
    for known in KNOWN:
        if name in {known.name, _HF + known.source, _OPEN_CLIP + known.source}:
            return known
    for prefix, loader in ((_HF, "transformers"), (_OPEN_CLIP, "open_clip")):
        source = name.removeprefix(prefix)
        if source not in {name, ""}:
            return KnownEncoder.model_validate({"name": name, "loader": loader, "source": source})
    return None
