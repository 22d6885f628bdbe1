"""What the API takes and answers about brands."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.intake import PictureBody
from shopsight.api.models_recognition import AlternativeModel, EvidenceModel
from shopsight.api.search_models import BoxModel
from shopsight.catalog.brands import MOST_ALIASES, NAME_LENGTH, Brand
from shopsight.catalog.product import Product
from shopsight.images.boxes import Box


class BrandPhotoBody(PictureBody):
    """Which brands a photo shows: exactly one of ``image``, ``image_url`` and ``image_id``."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"image_url": "https://shop.example/images/MUG001.jpg"}]},
    )

    thorough: bool | None = Field(
        default=None, description="Look for small logos too, which takes ten times as long."
    )
    products: int = Field(default=5, ge=0, le=100, description="Products of each brand.")


class BrandExampleBody(PictureBody):
    """A logo; or with ``box``, a photo and where the logo is on it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"image_url": "https://kavoa.example/logo.png"}]},
    )


class BrandBody(BaseModel):
    """What is known of a brand, but for its logos.

    Attributes:
        aliases: Other names.
        website: Its address, http or https.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"aliases": ["Kavoa Home"], "website": "https://kavoa.example"}]
        },
    )

    aliases: list[Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]] = Field(
        default_factory=list, max_length=MOST_ALIASES
    )
    website: str = Field(default="", max_length=2000)


class BrandItem(BaseModel):
    """A brand of the registry.

    Attributes:
        name: As answers spell it.
        aliases: Other names.
        website: Its address; may be empty.
        examples: Logos and boxed photos that it was taught from.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Kavoa",
                    "aliases": [],
                    "website": "https://kavoa.example",
                    "examples": 1,
                }
            ]
        }
    )

    name: str
    aliases: list[str]
    website: str
    examples: int

    @classmethod
    def of(cls, brand: Brand) -> BrandItem:
        """The answer for a brand."""
        return cls(
            name=brand.name,
            aliases=list(brand.aliases),
            website=brand.website,
            examples=brand.examples,
        )


class BrandList(BaseModel):
    """The brands of the registry, in the order of their names."""

    brands: list[BrandItem]


class ExampleAnswer(BaseModel):
    """What became of an example.

    Attributes:
        added: Whether it is new.
        brand: The brand as it is now.
    """

    added: bool
    brand: BrandItem


class SeenBrand(BaseModel):
    """A brand on the photo.

    Attributes:
        name: As the registry spells it, or else the catalogue.
        website: Its address; may be empty.
        confidence: Probability that the photo shows it, 0 to 1.
        box: Where its logo or name is; ``null``: only a product of it was recognised.
        products: Products of it, those most like the photo first.
    """

    name: str
    website: str
    confidence: float
    box: BoxModel | None
    products: list[Product]


class BrandAnswer(BaseModel):
    """Which brands a photo shows.

    Attributes:
        answer: The brand of what the photo is of; ``null``: none is sure enough.
        confidence: Of the answer; without one, of the likeliest brand.
        brands: All that are sure enough, surest first, but the answer before all others. Without an
            answer, those of what is beside the main subject.
        alternatives: Others, likeliest first.
        evidence: What was seen, the most telling first.
        image_id: Names the photo for further requests.
        timings_ms: Milliseconds by stage.
    """

    answer: str | None
    confidence: float
    brands: list[SeenBrand]
    alternatives: list[AlternativeModel]
    evidence: list[EvidenceModel]
    image_id: str
    timings_ms: dict[str, float]


def box_model(box: Box | None) -> BoxModel | None:
    """A box as the API writes it."""
    return None if box is None else BoxModel(x1=box.x1, y1=box.y1, x2=box.x2, y2=box.y2)
