"""What shoppers said of products."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.problems import FieldProblem, from_validation
from shopsight.api.routes.products import ProductId
from shopsight.catalog.reviews import Review, ReviewStore

MAX_REVIEWS = 1000
"""Reviews of one request."""

_EXAMPLE: dict[str, JsonValue] = {
    "product_id": "MUG001",
    "rating": 5,
    "title": "My favourite",
    "review": "Keeps tea warm for an hour.",
    "reviewer": "Ana",
}


class ReviewsBody(BaseModel):
    """Reviews to keep. Each is judged by itself: a bad one does not stop the others."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reviews": [_EXAMPLE]}]}
    )

    reviews: list[dict[str, JsonValue]] = Field(min_length=1, max_length=MAX_REVIEWS)


class ReviewsAdded(BaseModel):
    """What became of them.

    Attributes:
        added: How many were new.
        known: How many were there already.
        problems: What is wrong with the others; ``field`` names place and field.
    """

    added: int
    known: int
    problems: list[FieldProblem]


class ReviewsAnswer(BaseModel):
    """Reviews of a product and of its group.

    Attributes:
        count: How many there are.
        rating: Their mean, 1 to 5; ``null`` without any.
        stars: Number of stars -> how many gave it.
        reviews: One page of them, newest first.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "count": 1,
                    "rating": 5.0,
                    "stars": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 1},
                    "reviews": [_EXAMPLE | {"item_group_id": "", "created_at": None}],
                }
            ]
        }
    )

    count: int
    rating: float | None
    stars: dict[int, int]
    reviews: list[Review]


def router(parts: Parts) -> APIRouter:
    """Routes for reviews. They come before those of products: an id may hold slashes."""
    routes = APIRouter(tags=["products"])
    store = ReviewStore(parts.shop.database)

    @routes.get(
        "/v1/products/{product_id:path}/reviews",
        summary="What shoppers said of a product",
        response_model=ReviewsAnswer,
        responses=problems(401, 404, 422),
        dependencies=[Depends(parts.gate.search())],
    )
    async def get_reviews(
        product_id: ProductId,
        limit: Annotated[int, Query(ge=1, le=100, description="Most reviews.")] = 10,
        offset: Annotated[int, Query(ge=0, le=100_000, description="Reviews to skip.")] = 0,
    ) -> Response:
        def read() -> ReviewsAnswer:
            product = parts.shop.catalog.one(product_id)
            summary = store.summary(product)
            return ReviewsAnswer(
                count=summary.count,
                rating=summary.rating,
                stars=dict(summary.stars),
                reviews=store.of(product, limit=limit, offset=offset),
            )

        answer = await parts.lookups.run(read)
        return Response(answer.model_dump_json(), media_type="application/json")

    @routes.post(
        "/v1/reviews",
        summary="Add reviews of products",
        response_model=ReviewsAdded,
        responses=problems(401, 403, 413, 422),
        openapi_extra=body_schema(ReviewsBody),
        dependencies=[Depends(parts.gate.admin())],
    )
    async def add_reviews(request: Request) -> Response:
        body = await read_json(request, ReviewsBody, parts.lookups)
        answer = await parts.lookups.run(_add, store, body)
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes


def _add(store: ReviewStore, body: ReviewsBody) -> ReviewsAdded:
    good: list[Review] = []
    bad: list[FieldProblem] = []
    for number, raw in enumerate(body.reviews):
        try:
            good.append(Review.model_validate(raw))
        except ValidationError as error:
            bad.extend(from_validation(error, prefix=f"reviews.{number}").fields)
    added = store.add(good)
    return ReviewsAdded(added=added, known=len(good) - added, problems=bad)
