"""What searches take and give, as pydantic models with examples."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    model_validator,
)

from shopsight.api.models import EXAMPLE_PRODUCT, EXAMPLE_THUMBNAIL, ThumbnailModel
from shopsight.catalog.product import Product
from shopsight.search.focus import Focus
from shopsight.search.query import MAX_OBJECT_HITS, Cutoff, GroupBy, Match, Sort

MAX_LIMIT = 100
MAX_OFFSET = 900
MAX_EXPLAINED = 20

_SUBJECTS = ("image", "images", "image_url", "image_id", "product_id", "video")


def _from_form(value: Any, info: ValidationInfo) -> Any:
    """Forms carry only texts: those that stand for more are JSON, lists also words with commas."""
    if not isinstance(value, str) or info.mode != "python":
        return value
    if value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"this is no JSON: {error}") from error
    return [word for word in (part.strip() for part in value.split(",")) if word]


FormValue = BeforeValidator(_from_form)


class BoxModel(BaseModel):
    """Part of an upright picture, in fractions of its width and height, origin at the top left."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"x1": 0.2, "y1": 0.1, "x2": 0.8, "y2": 0.7}]},
    )

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="before")
    @classmethod
    def _four_numbers(cls, value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) == len(cls.model_fields):
            return dict(zip(cls.model_fields, value, strict=True))
        return value


class WeightsModel(BaseModel):
    """How much each thing asked for counts; only the ratios matter."""

    model_config = ConfigDict(extra="forbid")

    image: float = Field(default=1.0, ge=0, le=100)
    text: float = Field(default=1.0, ge=0, le=100)
    negative: float = Field(default=1.0, ge=0, le=100)


class SearchBody(BaseModel):
    """A search: for a photo, a video, a product, words, or for words beside a photo or a product.

    In a form, ``image`` and ``video`` are files; ``box``, ``weights`` and ``boosts`` are JSON;
    lists are JSON or words with commas between them.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "image_url": "https://shop.example/images/MUG001.jpg",
                    "filter": 'brand = "Kavoa" AND price < 50',
                    "limit": 5,
                },
                {"text": "red mug under 20 EUR", "facets": ["brand", "price"]},
                {"image_id": "hW0cF3pW2gq1kqQm", "text": "this but in blue"},
            ]
        },
    )

    image: str | None = Field(default=None, min_length=1, description="Base64 of the photo.")
    images: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=8,
        description="Base64 of several photos of one thing.",
    )
    image_url: Annotated[str, Field(max_length=4000)] | None = Field(
        default=None, description="Public address of a photo, http or https."
    )
    image_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="The photo of a recent search, from its answer."
    )
    product_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="A product of the shop: finds what is like it, itself left out."
    )
    video: str | None = Field(default=None, min_length=1, description="Base64 of a short video.")
    text: str = Field(default="", description="Words, such as `this but in red, under 40 EUR`.")
    negative_text: str = Field(default="", description="What the hits should not be.")
    weights: Annotated[WeightsModel, FormValue] = WeightsModel()
    box: Annotated[BoxModel, FormValue] | None = Field(
        default=None, description="The part of the photo that is meant."
    )
    regions: bool | None = Field(
        default=None, description="Whether the main subject and further objects are looked for."
    )
    filter: Annotated[str, Field(max_length=4000)] | None = Field(
        default=None, description="Only products that match."
    )
    ignore: Annotated[list[Annotated[str, Field(max_length=300)]], FormValue] = Field(
        default_factory=list, max_length=50, description="Ids of chips that were taken away."
    )
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT, description="Most hits.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="Hits to skip.")
    focus: Focus = Field(default=Focus.BALANCED, description="What makes products alike.")
    sort: Sort = Field(default=Sort.RELEVANCE, description="Order of the hits.")
    group_by: GroupBy = Field(default=GroupBy.PRODUCT, description="What a hit stands for.")
    facets: Annotated[list[Annotated[str, Field(max_length=63)]], FormValue] = Field(
        default_factory=list, max_length=20, description="Fields whose values are counted."
    )
    boosts: Annotated[dict[str, float], FormValue] = Field(
        default_factory=dict, description="Weights of score terms of the business, -1 to 1."
    )
    cutoff: Cutoff = Field(default=Cutoff.NONE, description="Where the ranking ends.")
    object_hits: int = Field(
        default=0, ge=0, le=MAX_OBJECT_HITS, description="Hits for each object on the photo."
    )
    explain: bool = Field(
        default=False, description="Why each hit matched; needs a photo, and a limit up to 20."
    )

    @property
    def subject(self) -> str:
        """Which of the fields says what is looked for; ``text`` if there are only words."""
        return next((name for name in _SUBJECTS if getattr(self, name) is not None), "text")

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        given = [name for name in _SUBJECTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(_SUBJECTS)}, not {' and '.join(given)}")
        if not given and not self.text.strip():
            raise ValueError(f"give one of {', '.join(_SUBJECTS)}, or text")
        if self.explain and (self.subject not in _PHOTOS or self.limit > MAX_EXPLAINED):
            raise ValueError(f"explain needs a photo, and a limit of at most {MAX_EXPLAINED}")
        return self


_PHOTOS = ("image", "images", "image_url", "image_id")


class SearchOptionsAnswer(BaseModel):
    """What searches here can be asked for.

    Attributes:
        focuses: Values of ``focus``: without ``color`` where the encoder has no part for it.
        fields: Filterable fields and their types; those that can be facets.
        video: Whether videos can be searched with.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "focuses": ["shape", "balanced", "color"],
                    "fields": {"brand": "string", "price": "number"},
                    "video": True,
                }
            ]
        }
    )

    focuses: list[Focus]
    fields: dict[str, str] = Field(default_factory=dict)
    video: bool = False


class ObjectModel(BaseModel):
    """Something on the photo that can be searched for.

    Attributes:
        box: Where it is.
        confidence: That it is an object, 0 to 1.
        searched: Whether the hits are those of this object.
        hits: Its own hits, where ``object_hits`` asked for them.
    """

    box: BoxModel
    confidence: float
    searched: bool
    hits: list[SearchHit] = Field(default_factory=list)


class PatchPair(BaseModel):
    """A place on the photo and the place on the product's picture that it matches best."""

    photo: BoxModel
    product: BoxModel
    share: float


class ExplanationModel(BaseModel):
    """Why a hit matched.

    Attributes:
        score: What is explained: the photo's part of the score; of several photos, that of the one
            that is explained.
        photo_number: Which of several photos is explained, from 0: the one most like the product.
        exact: Cells and base add up to the score; otherwise they were found by hiding places one
            after the other.
        photo_base: What every other hit has of the score, too: of no place on the photo.
        photo_cells: What each cell of the photo contributes to the lead, rows from the top.
        product_base: Part of the score that is of no place on the product's picture.
        product_cells: What each of its cells contributes.
        parts: What each part of the vectors contributes.
        pairs: Places that match best.
        photo_overlay: The photo with a heat map, PNG as a ``data:`` URL.
        product_overlay: The product's picture with one.
    """

    score: float
    exact: bool
    photo_number: int
    photo_base: float
    photo_cells: list[list[float]]
    product_base: float
    product_cells: list[list[float]]
    parts: dict[str, float]
    pairs: list[PatchPair]
    photo_overlay: str
    product_overlay: str


class SearchHit(BaseModel):
    """A product that was found.

    Attributes:
        product: All its fields. Pictures that only this server has appear as addresses on it.
        score: What the ranking is by; for a photo alone, cosine similarity of the photo and the
            product's nearest picture, -1 to 1, with the weights of the focus.
        confidence: Probability that this is the thing on the photo, 0 to 1; ``null`` without a
            photo, or where the shop has too few products to tell.
        match: ``same_item``, ``near_duplicate`` or ``similar``.
        image_url: The picture that matched.
        thumbnail: A small copy of it, of this server.
        terms: What the score is made of, by name.
        seen_at_s: With a video, the second at which the product is seen best.
        explanation: Why it matched, if that was asked for.
    """

    product: Product
    score: float
    confidence: float | None = None
    match: Match = Match.SIMILAR
    image_url: str
    thumbnail: ThumbnailModel | None = None
    terms: dict[str, float] = Field(default_factory=dict)
    seen_at_s: float | None = None
    explanation: ExplanationModel | None = None


class ChipModel(BaseModel):
    """Words that were understood as more than words; name its id in ``ignore`` to take it away."""

    id: str
    kind: Literal["filter", "boost", "exclude", "correction"]
    field: str
    label: str
    text: str


class FacetValueModel(BaseModel):
    """A value, or a range of numbers, and the number of products that have it."""

    value: str
    count: int
    low: float | None = None
    high: float | None = None


class FacetModel(BaseModel):
    """A field and its values under the query."""

    field: str
    values: list[FacetValueModel]


_ANSWER: dict[str, JsonValue] = {
    "query_id": "0d3cb1a5a0e24c0d9f1c5b9f0f3d8a11",
    "image_id": "hW0cF3pW2gq1kqQm",
    "hits": [
        {
            "product": EXAMPLE_PRODUCT,
            "score": 0.91,
            "confidence": 0.97,
            "match": "same_item",
            "image_url": "/v1/products/MUG001/images/0",
            "thumbnail": EXAMPLE_THUMBNAIL,
            "terms": {"image": 0.91},
        }
    ],
    "total": 149,
    "no_match": False,
    "objects": [
        {
            "box": {"x1": 0.2, "y1": 0.1, "x2": 0.8, "y2": 0.7},
            "confidence": 0.9,
            "searched": True,
            "hits": [],
        }
    ],
    "facets": [{"field": "brand", "values": [{"value": "Kavoa", "count": 23}]}],
    "chips": [],
    "timings_ms": {
        "decode": 2.1,
        "regions": 6.0,
        "encode": 11.8,
        "search": 3.2,
        "hydrate": 0.6,
        "total": 23.7,
    },
}


class SearchAnswer(BaseModel):
    """Products, most alike first.

    Attributes:
        query_id: Names this search, for feedback.
        image_id: Names the photo for further searches, for some minutes; empty without one.
        hits: One page of them.
        total: How many could be paged through.
        no_match: The thing on the photo is not in the shop; the hits are only similar.
        objects: What is on the photo.
        facets: Values of the fields asked for.
        chips: What was understood of the words.
        timings_ms: Milliseconds by stage: decode, regions, encode, search, hydrate, rank, total.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    query_id: str
    image_id: str = ""
    hits: list[SearchHit]
    total: int
    no_match: bool = False
    objects: list[ObjectModel] = Field(default_factory=list)
    facets: list[FacetModel] = Field(default_factory=list)
    chips: list[ChipModel] = Field(default_factory=list)
    timings_ms: dict[str, float]
