"""What the API takes and gives, as pydantic models with examples. OpenAPI is made from them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, JsonValue

from shopsight.catalog.jobs import Job, JobState
from shopsight.catalog.product import Product

EXAMPLE_PRODUCT: dict[str, JsonValue] = {
    "id": "MUG001",
    "title": "Kavoa Fjord dipped mug, sage",
    "description": "A two-tone mug, glazed by hand in two dips.",
    "link": "https://shop.example/p/MUG001",
    "image_link": "https://shop.example/images/MUG001.jpg",
    "additional_image_link": ["https://shop.example/images/MUG001_2.jpg"],
    "price": {"amount": "14.90", "currency": "EUR"},
    "availability": "in_stock",
    "brand": "Kavoa",
    "gtin": "2070824820410",
    "product_type": "Kitchen > Mugs",
    "stock": 218,
    "rating": 5.0,
    "review_count": 68,
    "attributes": {"color": "sage/cream", "material": "stoneware"},
}

MAX_BATCH = 1000


class ProductBody(Product):
    """A product as it is sent: unknown fields are refused, so that no typing error goes unseen.

    Attributes:
        pictures: What an answer said of its pictures; not looked at.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [EXAMPLE_PRODUCT]}
    )

    pictures: JsonValue = Field(default=None, exclude=True)


class ThumbnailModel(BaseModel):
    """A small copy of a picture.

    Attributes:
        url: Its address on this server, which may be cached for good. Another ``width`` may be put
            in place of the one in it.
        width: Pixels of the thumbnail, to reserve its place; ``null`` where they are not known.
        height: As ``width``.
    """

    url: str
    width: int | None
    height: int | None


class PictureModel(BaseModel):
    """A picture of a product.

    Attributes:
        url: On the web, or on this server where only it has the file.
        width: Pixels; ``null`` where they are not known.
        height: As ``width``.
        thumbnail: A small copy; ``null`` for a picture that could not be used.
    """

    url: str
    width: int | None
    height: int | None
    thumbnail: ThumbnailModel | None


EXAMPLE_THUMBNAIL: dict[str, JsonValue] = {
    "url": "/v1/products/MUG001/images/0?width=320&v=9f1c2b7e6f0c4a61",
    "width": 320,
    "height": 320,
}


class ShownProduct(Product):
    """A product as answers show it.

    Attributes:
        pictures: Its pictures, the main one first.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE_PRODUCT
                | {
                    "pictures": [
                        {
                            "url": "https://shop.example/images/MUG001.jpg",
                            "width": 1200,
                            "height": 1200,
                            "thumbnail": EXAMPLE_THUMBNAIL,
                        }
                    ]
                }
            ]
        }
    )

    pictures: list[PictureModel] = Field(default_factory=list)


class ProductPage(BaseModel):
    """Products in the order of their ids.

    Attributes:
        products: One page.
        next: The ``after`` of the next page; ``null`` on the last.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"products": [EXAMPLE_PRODUCT], "next": "MUG001"}]}
    )

    products: list[ShownProduct]
    next: str | None


class BatchBody(BaseModel):
    """Many changes at once. Each is judged by itself: a bad one does not stop the others.

    Attributes:
        upsert: Products to add or replace.
        delete: Ids to delete.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"upsert": [EXAMPLE_PRODUCT], "delete": ["MUG002"]}]},
    )

    upsert: list[dict[str, JsonValue]] = Field(default_factory=list, max_length=MAX_BATCH)
    delete: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=MAX_BATCH
    )


class BatchItem(BaseModel):
    """What became of one item.

    Attributes:
        id: As it was given; empty when it could not be read.
        status: Outcome. A product whose picture fails is ``failed``, but kept in the catalogue.
        error: Why it failed.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "MUG001", "status": "updated", "error": None}]}
    )

    id: str
    status: Literal["created", "updated", "unchanged", "deleted", "not_found", "failed"]
    error: str | None = None


class BatchAnswer(BaseModel):
    """Outcomes: first those of ``upsert``, then those of ``delete``, in the order given."""

    items: list[BatchItem]


class FeedOptions(BaseModel):
    """How a feed is read.

    Attributes:
        format: Name of a format, such as ``google``; found from the content when left out.
        mapping: Field -> column, for feeds with column titles of their own.
        sync: Delete products that the feed does not have.
        currency: ISO 4217 code of prices that name none.
    """

    model_config = ConfigDict(extra="forbid")

    format: str | None = None
    mapping: dict[str, str] = Field(default_factory=dict)
    sync: bool = False
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None


class FeedBody(FeedOptions):
    """A feed on the web.

    Attributes:
        url: Its public http(s) address.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://shop.example/feed.xml", "sync": True, "currency": "EUR"}]
        },
    )

    url: HttpUrl = Field(max_length=4000)


class JobAnswer(BaseModel):
    """A job and where it stands. It is finished when ``finished_at`` is set.

    Attributes:
        id: Its key.
        kind: What is done.
        state: Where it stands.
        request: What was asked for.
        progress: Counters while it runs, its result at the end.
        error: Why it failed, or what it waits for.
        created_at: When it was asked for.
        started_at: When it was last taken up.
        finished_at: When it ended.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "5b0e6e0d5c7c4d5b8f0f6a0f8c1c9a77",
                    "kind": "index",
                    "state": "running",
                    "request": {"url": "https://shop.example/feed.xml", "sync": True},
                    "progress": {"rows_read": 120, "images_encoded": 96},
                    "error": None,
                    "created_at": "2026-01-01T12:00:00Z",
                    "started_at": "2026-01-01T12:00:01Z",
                    "finished_at": None,
                }
            ]
        }
    )

    id: str
    kind: str
    state: JobState
    request: dict[str, JsonValue]
    progress: dict[str, JsonValue]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> JobAnswer:
        """The answer for a job, without where the server keeps its files."""
        hidden = {"path", "problems"}
        times = {
            name: _time(getattr(job, name)) for name in ("created_at", "started_at", "finished_at")
        }
        return cls.model_validate(
            job.model_dump()
            | times
            | {
                "request": {
                    name: value for name, value in job.request.items() if name not in hidden
                }
            }
            | {
                "progress": {
                    name: value for name, value in job.progress.items() if name not in hidden
                }
            }
        )


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]


class StatusAnswer(BaseModel):
    """How the server is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok", "ready"]


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
