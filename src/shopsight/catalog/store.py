"""The catalogue in SQL: products and the state of their pictures. The index follows from it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache

from sqlalchemy import (
    BindParameter,
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from shopsight.catalog.database import Database, attribute_types, images, products
from shopsight.catalog.picture_places import PicturePlaces
from shopsight.catalog.picture_texts import PictureTexts
from shopsight.catalog.product import Product
from shopsight.errors import NotFoundError

_CHUNK = 500
"""Keys in one IN list."""


@dataclass(frozen=True, slots=True)
class ImageState:
    """What is known of a picture of a product: a row of the table ``images``, explained there."""

    record_id: str
    product_id: str
    position: int
    link: str
    location: str
    content_hash: str | None = None
    width: int | None = None
    height: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    stamp: str | None = None
    fetched_at: float | None = None
    index_version: str | None = None
    product_hash: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProductState:
    """What is known of one product: its content hash, and its pictures by position."""

    content_hash: str
    images: dict[int, ImageState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PicturedProduct:
    """A product and one of its pictures.

    Attributes:
        product: The product.
        position: Number of the picture; 0 is the main one.
        link: Of the picture, as in the feed.
        location: Where the picture really is: an absolute path or a URL.
        content_hash: SHA-256 of its bytes, in hex.
        size: Its width and height in pixels, where they are known.
    """

    product: Product
    position: int
    link: str
    location: str
    content_hash: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DatedProduct:
    """A product and since when the catalogue has it.

    Attributes:
        product: The product.
        added_at: When the ingest began that it first came in, in seconds since 1970; changes of the
            product leave it as it is.
    """

    product: Product
    added_at: float


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """Sizes of the catalogue.

    Attributes:
        products: Products known.
        searchable: Products with at least one picture in the given index version.
        images: Pictures in that version.
        failed_images: Pictures that could not be used at the last attempt.
    """

    products: int
    searchable: int
    images: int
    failed_images: int


def record_id(product_id: str, position: int) -> str:
    """Key of a product's picture in the vector store."""
    return f"{product_id}#{position}"


class CatalogStore:
    """Reads and writes products and the state of their pictures.

    Every method is one transaction and raises :class:`~shopsight.errors.StorageError` when the
    database fails.

    Attributes:
        texts: Words printed on the pictures.
        places: What the pictures look like place by place.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.texts = PictureTexts(database)
        self.places = PicturePlaces(database)
        self._run: tuple[str, float] = ("", 0.0)  # the last ingest that saved, and since when

    def get(self, ids: Sequence[str]) -> dict[str, Product]:
        """Products by id; unknown ids are left out."""
        found: dict[str, Product] = {}
        with self._database.begin() as connection:
            for part in _chunks(ids):
                query = select(products.c.id, products.c.body).where(products.c.id.in_(part))
                for key, body in connection.execute(query):
                    found[key] = Product.model_validate_json(body)
        return found

    def dated(self, ids: Sequence[str]) -> dict[str, DatedProduct]:
        """Products by id, with the time they came in; unknown ids are left out."""
        found: dict[str, DatedProduct] = {}
        with self._database.begin() as connection:
            for part in _chunks(ids):
                keys = {f"key{number}": key for number, key in enumerate(part)}
                for key, body, added_at in connection.execute(_dated_query(len(part)), keys):
                    found[key] = DatedProduct(Product.model_validate_json(body), added_at)
        return found

    def one(self, product_id: str) -> Product:
        """One product.

        Raises:
            NotFoundError: There is none with this id.
        """
        try:
            return self.get([product_id])[product_id]
        except KeyError:
            raise NotFoundError(f"There is no product with the id {product_id!r}.") from None

    def page(self, *, after: str = "", limit: int = 100, containing: str = "") -> list[Product]:
        """Products in the order of their ids, those behind ``after``, at most ``limit``.

        ``containing`` leaves only those with this text in the value of some field, whatever the
        case of its letters.
        """
        query = select(products.c.body).where(products.c.id > after)
        if containing:
            # As it stands within a string of JSON.
            written = json.dumps(containing, ensure_ascii=False)[1:-1]
            query = query.where(products.c.body.icontains(written, autoescape=True))
        query = query.order_by(products.c.id).limit(limit)
        with self._database.begin() as connection:
            return [
                Product.model_validate_json(body) for body in connection.execute(query).scalars()
            ]

    def linked(self, page: str, limit: int) -> list[Product]:
        """Products whose page may be this one, in the order of their ids.

        Looks through the whole catalogue, which takes about a second for a million products.

        Args:
            page: Part of a link; the link of each product found contains it.
            limit: How many at most.
        """
        quoted = json.dumps(page, ensure_ascii=False)[1:-1]
        query = (
            select(products.c.body)
            .where(products.c.body.contains(quoted, autoescape=True))
            .order_by(products.c.id)
            .limit(limit)
        )
        with self._database.begin() as connection:
            bodies = connection.execute(query).scalars().all()
        found = (Product.model_validate_json(body) for body in bodies)
        return [product for product in found if page in product.link]

    def signature(self) -> tuple[int, float]:
        """What changes whenever a product is added, changed or removed; quick to ask for."""
        query = select(func.count(), func.max(products.c.updated_at)).select_from(products)
        with self._database.begin() as connection:
            count, latest = connection.execute(query).one()
        return int(count), float(latest or 0.0)

    def every(self, chunk: int = 1000) -> Iterator[Product]:
        """All products in the order of their ids, in constant memory."""
        after = ""
        while page := self.page(after=after, limit=chunk):
            yield from page
            after = page[-1].id

    def counts(self, index_version: str | None = None) -> CatalogCounts:
        """Sizes of the catalogue, and of one index version."""
        in_index = images.c.index_version == index_version
        with self._database.begin() as connection:
            searchable, pictures = connection.execute(
                select(func.count(images.c.product_id.distinct()), func.count()).where(in_index)
            ).one()
            return CatalogCounts(
                products=_count(connection, select(func.count()).select_from(products)),
                searchable=searchable,
                images=pictures,
                failed_images=_count(
                    connection, select(func.count()).where(images.c.error.is_not(None))
                ),
            )

    def states(self, ids: Sequence[str]) -> dict[str, ProductState]:
        """What is known of these products; unknown ids are left out."""
        found: dict[str, ProductState] = {}
        with self._database.begin() as connection:
            for part in _chunks(ids):
                hashes = select(products.c.id, products.c.content_hash).where(
                    products.c.id.in_(part)
                )
                for key, content_hash in connection.execute(hashes):
                    found[key] = ProductState(content_hash)
                for row in connection.execute(
                    select(images).where(images.c.product_id.in_(part))
                ).mappings():
                    found[row["product_id"]].images[row["position"]] = _image_state(row)
        return found

    def image(self, product_id: str, position: int) -> ImageState:
        """State of one picture.

        Raises:
            NotFoundError: There is no such product or picture.
        """
        query = select(images).where(images.c.record_id == record_id(product_id, position))
        with self._database.begin() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFoundError(f"Product {product_id!r} has no picture number {position}.")
        return _image_state(row)

    def locations(self, prefix: str) -> set[str]:
        """Where pictures of products are, of the files and addresses that begin so."""
        place = images.c.location
        query = select(place).distinct().where(place.startswith(prefix, autoescape=True))
        with self._database.begin() as connection:
            return set(connection.execute(query).scalars())

    def showing(
        self, hashes: Sequence[str], index_version: str
    ) -> list[tuple[Product, ImageState]]:
        """The pictures in an index version that have one of some contents, with their products."""
        query = (
            select(images, products.c.body)
            .join(products)
            .where(images.c.content_hash.in_(hashes), images.c.index_version == index_version)
        )
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            (
                Product.model_validate_json(row["body"]),
                ImageState(**{name: row[name] for name in images.c.keys()}),  # noqa: SIM118 - not a dict
            )
            for row in rows
        ]

    def pictured(self, record_ids: Sequence[str]) -> dict[str, PicturedProduct]:
        """Pictures with their products, by record id; unknown ones are left out.

        One statement, because every search ends with it.
        """
        found: dict[str, PicturedProduct] = {}
        with self._database.begin() as connection:
            for part in _chunks(record_ids):
                keys = {f"key{number}": key for number, key in enumerate(part)}
                rows = connection.execute(_pictured_query(len(part)), keys)
                for key, position, link, location, digest, width, height, body in rows:
                    product = Product.model_validate_json(body)
                    size = (width, height) if width and height else None
                    found[key] = PicturedProduct(product, position, link, location, digest, size)
        return found

    def save(
        self, changed: Iterable[Product], *, known: Mapping[str, ProductState], run_id: str
    ) -> None:
        """Insert or replace products; ``known`` are :meth:`states` of at least those that exist."""
        inserts, updates = [], []
        now = time.time()
        if run_id != self._run[0]:
            # What comes in one ingest is equally new, however long that takes.
            self._run = (run_id, now)
        for product in changed:
            row = {
                "body": product.model_dump_json(),
                "content_hash": product.content_hash(),
                "run_id": run_id,
                "updated_at": now,
            }
            if product.id in known:
                updates.append(row | {"key": product.id})
            else:
                inserts.append(row | {"id": product.id, "added_at": self._run[1]})
        with self._database.begin() as connection:
            if inserts:
                connection.execute(insert(products), inserts)
            if updates:
                connection.execute(
                    update(products).where(products.c.id == bindparam("key")), updates
                )

    def save_images(self, states: Iterable[ImageState]) -> None:
        """Insert or replace states of pictures, except of products that are gone meanwhile."""
        rows = {state.record_id: asdict(state) for state in states}
        with self._database.begin() as connection:
            for part in _chunks(list(rows)):
                connection.execute(delete(images).where(images.c.record_id.in_(part)))
                wanted = {rows[key]["product_id"] for key in part}
                alive = set(
                    connection.execute(
                        select(products.c.id).where(products.c.id.in_(wanted))
                    ).scalars()
                )
                alive_rows = [rows[key] for key in part if rows[key]["product_id"] in alive]
                if alive_rows:
                    connection.execute(insert(images), alive_rows)

    def delete_images(self, record_ids: Sequence[str]) -> None:
        """Forget pictures."""
        with self._database.begin() as connection:
            for part in _chunks(record_ids):
                connection.execute(delete(images).where(images.c.record_id.in_(part)))

    def move_images(self, old_version: str, new_version: str) -> None:
        """Say that all pictures of one index version are now in another."""
        with self._database.begin() as connection:
            query = update(images).where(images.c.index_version == old_version)
            connection.execute(query.values(index_version=new_version))

    def delete(self, ids: Sequence[str]) -> None:
        """Forget products and their pictures."""
        with self._database.begin() as connection:
            for part in _chunks(ids):
                connection.execute(delete(products).where(products.c.id.in_(part)))

    def mark_seen(self, ids: Sequence[str], run_id: str) -> None:
        """Note that an ingest run saw these products."""
        with self._database.begin() as connection:
            for part in _chunks(ids):
                connection.execute(
                    update(products).where(products.c.id.in_(part)).values(run_id=run_id)
                )

    def unseen(self, run_id: str) -> list[str]:
        """Ids of products that an ingest run did not see."""
        with self._database.begin() as connection:
            return list(
                connection.execute(
                    select(products.c.id).where(products.c.run_id != run_id)
                ).scalars()
            )

    def all_states(self, chunk: int = 256) -> Iterator[list[tuple[Product, ProductState]]]:
        """All products with their states, in the order of their ids, a chunk at a time."""
        after = ""
        while batch := self.page(after=after, limit=chunk):
            states = self.states([product.id for product in batch])
            yield [(product, states[product.id]) for product in batch if product.id in states]
            after = batch[-1].id

    def attribute_types(self) -> dict[str, str]:
        """Type of every attribute seen so far, by name."""
        with self._database.begin() as connection:
            return {name: kind for name, kind in connection.execute(select(attribute_types))}  # noqa: C416 - a Row is no pair to mypy

    def add_attribute_types(self, types: Mapping[str, str]) -> None:
        """Remember types of new attributes."""
        if types:
            rows = [{"name": name, "type": kind} for name, kind in types.items()]
            with self._database.begin() as connection:
                connection.execute(insert(attribute_types), rows)


@cache
def _pictured_query(
    size: int,
) -> Select[str, int, str, str, str | None, int | None, int | None, str]:
    # With as many parameters as keys: SQLAlchemy would rewrite a list of any length at each call.
    keys: list[BindParameter[str]] = [bindparam(f"key{number}") for number in range(size)]
    columns = (images.c.record_id, images.c.position, images.c.link, images.c.location)
    facts = (images.c.content_hash, images.c.width, images.c.height)
    joined = select(*columns, *facts, products.c.body).join(products)
    return joined.where(images.c.record_id.in_(keys))


@cache
def _dated_query(size: int) -> Select[str, str, float]:
    keys: list[BindParameter[str]] = [bindparam(f"key{number}") for number in range(size)]
    columns = (products.c.id, products.c.body, products.c.added_at)
    return select(*columns).where(products.c.id.in_(keys))


def _image_state(row: RowMapping) -> ImageState:
    return ImageState(**row)


def _count(connection: Connection, query: object) -> int:
    return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]  # a Select of one count


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
