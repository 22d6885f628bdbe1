"""What the API takes and gives about feeds that the shop keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from shopsight.api.models import FeedOptions
from shopsight.catalog.columns import FIELDS
from shopsight.catalog.feed_preview import ROWS, FeedPreview
from shopsight.catalog.feeds import FeedSummary
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.saved_feeds import SavedFeed
from shopsight.wiring.feed_shelf import PictureFiles

_PROBLEMS = 20


class SavedFeedBody(FeedOptions):
    """How a kept feed is read.

    Attributes:
        url: Where it is on the web; without it, it is the file that was uploaded.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"mapping": {"title": "Name"}, "sync": True}]},
    )

    url: HttpUrl | None = Field(default=None, max_length=4000)


class SavedFeedAnswer(FeedOptions):
    """A kept feed.

    Attributes:
        id: Its key.
        url: Where it is on the web, or empty.
        file: Name of the uploaded file, or empty.
        updated_at: When it was last changed.
    """

    id: str
    url: str
    file: str
    updated_at: datetime

    @classmethod
    def of(cls, feed: SavedFeed) -> SavedFeedAnswer:
        """The answer for a feed."""
        changed = datetime.fromtimestamp(feed.updated_at, UTC)
        return cls.model_validate(feed.model_dump() | {"updated_at": changed})


class SavedFeedList(BaseModel):
    """Kept feeds in the order of their ids."""

    feeds: list[SavedFeedAnswer]


class PicturesAnswer(BaseModel):
    """What became of an archive of pictures.

    Attributes:
        kept: Pictures taken.
        left_out: Files that were not.
        reasons: The first hundred of those, name -> reason.
    """

    kept: int
    left_out: int
    reasons: dict[str, str]


class PreviewAnswer(BaseModel):
    """The beginning of a feed, and how it would be read.

    Attributes:
        format: Name of its format.
        columns: Its columns; empty for formats whose fields are fixed.
        fields: Fields that a column can be read as.
        mapping: Field -> the column it is read from.
        missing: Required fields that no column was found for.
        rows: First rows as they stand.
        products: First products as they are understood.
        problems: What is wrong with the first rows.
        failure: Why it cannot be read like this; empty if it can.
        pictures: Picture files that the first products name.
    """

    format: str
    columns: list[str]
    fields: list[str]
    mapping: dict[str, str]
    missing: list[str]
    rows: list[dict[str, str]]
    products: list[Product]
    problems: list[RowError]
    failure: str
    pictures: PictureFiles

    @classmethod
    def of(cls, found: FeedPreview, pictures: PictureFiles) -> PreviewAnswer:
        """The answer for a preview."""
        return cls(
            format=found.format,
            columns=list(found.columns),
            fields=list(FIELDS),
            mapping=dict(found.mapping),
            missing=list(found.missing),
            rows=[dict(row) for row in found.rows],
            products=list(found.products[:ROWS]),
            problems=list(found.problems[:_PROBLEMS]),
            failure=found.failure,
            pictures=pictures,
        )


class CheckAnswer(BaseModel):
    """What is in a feed.

    Attributes:
        feed: Counts and problems.
        pictures: Picture files that its products name.
    """

    feed: FeedSummary
    pictures: PictureFiles
