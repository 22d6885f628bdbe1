"""Feeds: what a reader is, which one fits a file, and how a file is read or merely checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Protocol, cast, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from shopsight import plugins
from shopsight.catalog.duplicates import DiskSet
from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.prices import CURRENCIES
from shopsight.catalog.product import Product, RowError
from shopsight.errors import FeedError

__all__ = [
    "FeedHead",
    "FeedReader",
    "FeedSource",
    "FeedSummary",
    "check_feed",
    "detect_format",
    "read_feed",
]

_PACKED = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV UTF-8",
    b"BZh": "packed with bzip2; unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz; unpack it, or pack it with gzip",
    b"(\xb5/\xfd": "packed with zstd; unpack it, or pack it with gzip",
    b"%PDF": "a PDF document; export the products as CSV",
}
_SAMPLE = 20


@runtime_checkable
class FeedReader(Protocol):
    """Reads feeds of one format. Plug-ins pass ``shopsight.testing.feeds.FeedConformance``.

    The class is made without arguments; one instance may read several feeds, also at the same time.
    """

    name: ClassVar[str]

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether the beginning of a file looks like this format. Never raises."""
        ...

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products in constant memory, in a fixed order, each after what is wrong with its row.

        Whatever is wrong with one row is a :class:`RowError`, and the next row follows. Duplicate
        ids are the caller's business.

        Raises:
            FeedError: The file as a whole cannot be read, or ends early (after what could be read).
        """
        ...


class FeedSummary(BaseModel):
    """What a feed contains.

    Attributes:
        source: Name of the feed.
        format: Name of its format.
        encoding: Character encoding; empty for binary formats.
        rows: Rows, items or records met.
        products: Products that can be indexed.
        errors: Rows that were skipped because of an error.
        warnings: Things left out of products, or products left out on purpose.
        filled: Number of products that have a field or attribute, by its name.
        problems_by_field: Number of errors and warnings, by field; the empty name is for whole
            rows.
        problems: The first errors and warnings.
        currencies: Number of products by currency of their price.
        images: Number of different pictures.
        failure: Why reading stopped before the end, or empty.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    format: str
    encoding: str
    rows: int
    products: int
    errors: int
    warnings: int
    filled: dict[str, int] = Field(default_factory=dict)
    problems_by_field: dict[str, int] = Field(default_factory=dict)
    problems: tuple[RowError, ...] = ()
    currencies: dict[str, int] = Field(default_factory=dict)
    images: int = 0
    failure: str = ""


def detect_format(
    path: Path | str, *, mapping: Mapping[str, str] | None = None, label: str | None = None
) -> str:
    """Name of the format of a file, found from its content.

    Args:
        path: The file.
        mapping: Columns that the caller will name; they make a table with unusual columns known.
        label: Name of the feed in messages; the path by default.

    Raises:
        FeedError: The file cannot be read, or is of no known format; the message says how to name
            one.
    """
    return _detect(_source(path, mapping=mapping, label=label))


def read_feed(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the name of the command's option
    mapping: Mapping[str, str] | None = None,
    default_currency: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    now: datetime | None = None,
) -> Iterator[Product | RowError]:
    """Products of a feed and problems with its rows, in constant memory.

    Of products with the same id the first wins; the others come as errors.

    Args:
        path: The file; gzip is unpacked on the way.
        format: Name of its format; ``None``: find out.
        mapping: Our field -> the feed's column, for tables and Google's feeds.
        default_currency: ISO 4217 code for prices that name none.
        label: Name of the feed in reports; the path by default.
        encoding: Character encoding; ``None``: find out.
        now: The moment that decides whether a sale is on; the present by default.

    Raises:
        FeedError: The file is missing, empty, or of no known format; and while iterating: it holds
            no product at all, or ends early (after all products that could be read: they are good,
            but do not take the others for gone).
        SettingsError: No format has that name.
    """
    source = _source(
        path,
        label=label,
        mapping=mapping,
        default_currency=default_currency,
        encoding=encoding,
        now=now,
    )
    reader = _reader(source, format)
    return _read(source, reader)


def check_feed(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the name of the command's option
    mapping: Mapping[str, str] | None = None,
    default_currency: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    now: datetime | None = None,
    sample: int = _SAMPLE,
) -> FeedSummary:
    """Read a feed without keeping it, and count.

    Args:
        path: As for :func:`read_feed`, like the other arguments.
        format: Name of its format.
        mapping: Our field -> the feed's column.
        default_currency: ISO 4217 code for prices that name none.
        label: Name of the feed in reports.
        encoding: Character encoding.
        now: The moment that decides whether a sale is on.
        sample: How many problems to keep.

    Raises:
        FeedError: The file is missing, empty, or of no known format. A feed that ends early is
            reported in ``failure``.
        SettingsError: No format has that name.
    """
    source = _source(
        path,
        label=label,
        mapping=mapping,
        default_currency=default_currency,
        encoding=encoding,
        now=now,
    )
    reader = _reader(source, format)
    tally = _Tally(sample)
    failure = ""
    with DiskSet() as images:
        try:
            for item in _read(source, reader):
                tally.add(item)
                for image in item.image_links if isinstance(item, Product) else ():
                    images.add(image)
        except FeedError as error:
            failure = str(error)
        return tally.summary(source, reader.name, images=len(images), failure=failure)


class _Tally:
    """Counts of a feed."""

    def __init__(self, sample: int) -> None:
        self._sample = sample
        self.products = 0
        self.severities: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        self.currencies: Counter[str] = Counter()
        self.problems: list[RowError] = []

    def add(self, item: Product | RowError) -> None:
        """Count a product or a problem."""
        if isinstance(item, RowError):
            self.severities[item.severity] += 1
            self.fields[item.field] += 1
            if len(self.problems) < self._sample:
                self.problems.append(item)
            return
        self.products += 1
        for name in Product.model_fields:
            if name != "attributes" and getattr(item, name) not in {None, "", ()}:
                self.filled[name] += 1
        self.filled.update(item.attributes.keys())
        if item.price is not None:
            self.currencies[item.price.currency] += 1

    def summary(
        self, source: FeedSource, format_name: str, *, images: int, failure: str
    ) -> FeedSummary:
        """The counts with what else there is to say about the feed."""
        return FeedSummary(
            source=source.label,
            format=format_name,
            encoding=source.text_encoding.name if source.head.text else "",
            rows=source.count.rows,
            products=self.products,
            errors=self.severities["error"],
            warnings=self.severities["warning"],
            filled=dict(self.filled.most_common()),
            problems_by_field=dict(self.fields.most_common()),
            problems=tuple(self.problems),
            currencies=dict(self.currencies.most_common()),
            images=images,
            failure=failure,
        )


def _source(
    path: Path | str,
    *,
    label: str | None = None,
    mapping: Mapping[str, str] | None = None,
    default_currency: str | None = None,
    encoding: str | None = None,
    now: datetime | None = None,
) -> FeedSource:
    currency = default_currency.strip().upper() if default_currency else None
    if currency and currency not in CURRENCIES:
        raise FeedError(
            f"The currency {default_currency!r} is no code of ISO 4217; "
            "write it like --currency EUR"
        )
    return FeedSource(
        path=Path(path),
        label=label or str(path),
        mapping=mapping or {},
        default_currency=currency,
        encoding=encoding,
        now=now or datetime.now(UTC),
    )


def _reader(source: FeedSource, name: str | None) -> FeedReader:
    head = source.head  # a missing or empty file is told first
    if name is None:
        name = _detect(source)
    else:
        _refuse_packed(source.label, head.data)
    return cast("FeedReader", plugins.load("feeds", name)())


def _detect(source: FeedSource) -> str:
    head = source.head
    _refuse_packed(source.label, head.data)
    names = plugins.names("feeds")
    for name in names:
        if plugins.load("feeds", name).sniff(head):
            return name
    raise FeedError(
        f"{source.label} is of no known format. Known are: {', '.join(names)}. Name one with "
        "--format, or for a table with other column names say which they are: --format table "
        "--map id=COLUMN --map title=COLUMN --map image_link=COLUMN"
    )


def _refuse_packed(label: str, data: bytes) -> None:
    for magic, what in _PACKED.items():
        if data.startswith(magic):
            raise FeedError(f"{label} is {what}")


def _read(source: FeedSource, reader: FeedReader) -> Iterator[Product | RowError]:
    found = False
    if source.head.text and source.text_encoding.note:
        yield source.problem(source.text_encoding.note, severity="warning")
    with DiskSet() as ids:
        for item in reader.read(source):
            found = True
            line = source.count.line
            if isinstance(item, Product) and (first := ids.add(item.id, line or 0)) is not None:
                place = f" in line {first}" if first else ""
                yield source.problem(
                    f"The id was used{place} already, by the product that was kept; "
                    "give every product its own",
                    line=line,
                    product_id=item.id,
                    field="id",
                )
            else:
                yield item
    if not found:
        raise FeedError(f"{source.label} holds no products; export the feed again")
