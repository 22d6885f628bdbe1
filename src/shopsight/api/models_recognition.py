"""Answers of recognition as the API sends them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.intake import PictureBody
from shopsight.api.search_models import BoxModel, SearchHit
from shopsight.recognize.answers import Alternative, Evidence

_DIGITS = 4


class AlternativeModel(BaseModel):
    """A possible answer."""

    answer: str = Field(description="A product's id, a category's path, or a brand.")
    confidence: float = Field(description="Probability that it is right, 0 to 1.")

    @classmethod
    def of(cls, one: Alternative) -> Self:
        """As the API sends it."""
        return cls(answer=one.answer, confidence=round(one.confidence, _DIGITS))


class EvidenceModel(BaseModel):
    """Something that was seen, and speaks for an answer or for none."""

    kind: str
    detail: str = Field(description="What was seen, in words.")
    confidence: float = Field(description="How sure that is, 0 to 1.")
    box: BoxModel | None = Field(default=None, description="Where; null: on the photo as a whole.")
    answer: str | None = Field(default=None, description="What it speaks for.")

    @classmethod
    def of(cls, one: Evidence) -> Self:
        """As the API sends it."""
        return cls(
            kind=one.kind,
            detail=one.detail,
            confidence=round(one.confidence, _DIGITS),
            box=None
            if one.box is None
            else BoxModel(
                **{side: round(value, _DIGITS) for side, value in one.box._asdict().items()}
            ),
            answer=one.answer,
        )


class ClassifyBody(PictureBody):
    """A photo whose category is asked for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"image_url": "https://shop.example/photo.jpg"}]}
    )

    regions: bool | None = Field(
        default=None, description="Whether the main subject is looked for; as set if not given."
    )
    related: int = Field(default=10, ge=0, le=50, description="Products of the category wanted.")


class LevelModel(BaseModel):
    """A category on the way down to the likeliest one."""

    path: str = Field(description="Its path, levels separated by ' > '.")
    name: str = Field(description="Its last level.")
    probability: float = Field(description="That it is this category or one below it.")


class ClassifyAnswer(BaseModel):
    """The category of what a photo shows."""

    path: str | None = Field(
        description="The lowest category that is probable enough; null if none is."
    )
    confidence: float = Field(
        description="Probability of that category; without one, of the likeliest."
    )
    abstained: bool = Field(description="Whether nothing was probable enough.")
    levels: list[LevelModel] = Field(
        description="From the top down to the likeliest category, beyond the answer too."
    )
    alternatives: list[AlternativeModel] = Field(description="Other categories, likeliest first.")
    evidence: list[EvidenceModel]
    related: list[SearchHit] = Field(
        description="Products of the answer that look most like the photo."
    )
    image_id: str = Field(description="Names the photo for further requests.")
    timings_ms: dict[str, float]
