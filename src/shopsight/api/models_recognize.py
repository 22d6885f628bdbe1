"""What the recognition of products takes and gives, as pydantic models with examples."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shopsight.api.intake import PictureBody
from shopsight.api.models import EXAMPLE_PRODUCT
from shopsight.api.models_recognition import EvidenceModel
from shopsight.catalog.product import Product


class RecognizeBody(PictureBody):
    """A photo whose product is asked for: one of ``image``, ``image_url`` and ``image_id``.

    In a form, ``image`` is a file.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"image_url": "https://shop.example/photo.jpg"},
                {"image_id": "hW0cF3pW2gq1kqQm", "box": {"x1": 0, "y1": 0, "x2": 0.5, "y2": 1}},
            ]
        }
    )

    regions: bool | None = Field(
        default=None, description="Whether the main subject is looked for; as set if not given."
    )


class AlternativeProduct(BaseModel):
    """Another product that it may be."""

    product: Product
    confidence: float = Field(description="Probability that it is this one, 0 to 1.")


_ANSWER: dict[str, JsonValue] = {
    "product": EXAMPLE_PRODUCT,
    "unknown": False,
    "confidence": 0.999,
    "alternatives": [],
    "evidence": [
        {
            "kind": "barcode",
            "detail": "EAN-13 2070824820410: it is that of MUG001",
            "confidence": 0.999,
            "box": {"x1": 0.2, "y1": 0.6, "x2": 0.7, "y2": 0.8},
            "answer": "MUG001",
        }
    ],
    "image_id": "hW0cF3pW2gq1kqQm",
    "timings_ms": {"decode": 2.1, "barcodes": 8.4, "total": 10.6},
}


class RecognizeAnswer(BaseModel):
    """The product that a photo shows, or that it is unknown.

    Attributes:
        product: All its fields, with price, sale price, availability, stock, rating and link;
            ``null`` where nothing is sure enough.
        unknown: Whether nothing is sure enough.
        confidence: Probability that the answer is right; without one, of the likeliest product.
        alternatives: Other products, likeliest first; without an answer, the likeliest one too.
        evidence: What was seen, the most telling first: codes, lines of text, the look.
        image_id: Names the photo for further requests, for some minutes.
        timings_ms: Milliseconds by stage: those that ran, and total.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    product: Product | None
    unknown: bool
    confidence: float
    alternatives: list[AlternativeProduct]
    evidence: list[EvidenceModel]
    image_id: str
    timings_ms: dict[str, float]
