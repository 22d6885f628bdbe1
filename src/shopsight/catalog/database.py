"""The SQL database: the truth that all else is rebuilt from. Tables, connection, errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from shopsight.errors import SettingsError, StorageError

log = logging.getLogger(__name__)

SCHEMA_VERSION = 3
"""Raised with every change of the tables below; new tables alone are made where they lack."""

_MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE products ADD COLUMN added_at FLOAT NOT NULL DEFAULT 0",
        "UPDATE products SET added_at = updated_at",
        "CREATE INDEX IF NOT EXISTS products_by_change ON products (updated_at)",
    ),
    2: (
        "ALTER TABLE images ADD COLUMN width INTEGER",
        "ALTER TABLE images ADD COLUMN height INTEGER",
    ),
}
"""Statements that bring tables of a version to the next one."""

_CACHE_KIB = 16_384
"""Pages that each SQLite connection keeps in memory: the products of recent answers."""

metadata = MetaData()

schema_info = Table("schema_info", metadata, Column("version", Integer, primary_key=True))

products = Table(
    "products",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("body", Text, nullable=False),  # Product as JSON
    Column("content_hash", String(64), nullable=False),
    Column("run_id", String(32), nullable=False, index=True),  # last ingest that saw it
    Column("updated_at", Float, nullable=False),
    Column("added_at", Float, nullable=False, server_default="0"),  # start of the ingest it came in
    Index("products_by_change", "updated_at"),
)

images = Table(
    "images",
    metadata,
    Column("record_id", String(220), primary_key=True),  # key in the vector store
    Column("product_id", ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # 0 is the main picture
    Column("link", Text, nullable=False),  # as in the feed
    Column(
        "location", Text, nullable=False
    ),  # resolved: absolute path or URL; empty if it was refused
    Column("content_hash", String(64)),  # SHA-256 of the bytes; null until they were had
    Column("width", Integer),  # pixels of the upright picture; null until it was decoded
    Column("height", Integer),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("stamp", String(64)),  # of a local file: mtime and size
    Column("fetched_at", Float),
    Column("index_version", String(64)),  # version whose index holds it; null until written there
    Column(
        "product_hash", String(64)
    ),  # content hash of the product whose attributes the index holds
    Column("error", Text),  # why it is not in the index
    Index("images_by_product", "product_id", "position"),
)

picture_texts = Table(
    "picture_texts",
    metadata,
    Column("content_hash", String(64), primary_key=True),  # SHA-256 of the picture's bytes
    Column("text", Text, nullable=False),  # printed on it, a line each; empty: nothing is
    Column("read_at", Float, nullable=False),
)

picture_places = Table(
    "picture_places",
    metadata,
    Column("content_hash", String(64), primary_key=True),  # SHA-256 of the picture's bytes
    Column("fingerprint", String(200), primary_key=True),  # of the encoder that saw it
    Column("body", LargeBinary, nullable=False),  # Places, packed
)

index_versions = Table(
    "index_versions",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("manifest", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
)

calibrations = Table(
    "calibrations",
    metadata,
    Column("version", ForeignKey("index_versions.name", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", Text, nullable=False),  # of the encoder it was fitted with
    Column("body", Text, nullable=False),  # Calibration as JSON
    Column("created_at", Float, nullable=False),
)

attribute_types = Table(
    "attribute_types",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("type", String(16), nullable=False),
)

brands = Table(
    "brands",
    metadata,
    Column("key", String(200), primary_key=True),  # the name, folded
    Column("name", String(200), nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("website", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

brand_examples = Table(
    "brand_examples",
    metadata,
    Column("id", String(64), primary_key=True),  # hash of the brand, the picture and the box
    Column("brand", ForeignKey("brands.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),  # of the file, for people
    Column("picture", LargeBinary, nullable=False),  # PNG or JPEG, small, without metadata
    Column("box", JSON),  # x1, y1, x2, y2 as fractions; null: the picture is a logo
    Column("fingerprint", Text),  # of what made the looks; null: nothing yet
    Column("looks", LargeBinary),  # vectors, as the recogniser packs them
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("request", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scope", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),  # of the cookie's token
    Column("key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

shop_settings = Table(
    "shop_settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)

saved_feeds = Table(
    "saved_feeds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),  # SavedFeed as JSON
)

distinct_products = Table(
    "distinct_products",
    metadata,
    Column("first", String(200), primary_key=True),  # the lesser of the two ids
    Column("second", String(200), primary_key=True),
)

searches = Table(
    "searches",
    metadata,
    Column("query_id", String(64), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("text", String(200)),  # normalised; null where none was given, or none is kept
    Column("hits", Integer, nullable=False),
    Column("no_match", Boolean, nullable=False),
    Column("latency_ms", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("type", String(16), nullable=False),
    Column("product_id", String(200), nullable=False),
    Column("query_id", String(64)),
    Column("position", Integer),  # from 1
    Column("value", Float),
    Column("user_id", String(100)),
    Index("events_by_product", "product_id", "type"),
    Index("events_by_query", "query_id"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(32), primary_key=True),  # hash of the review: twice imported, once there
    Column("product_id", String(200), nullable=False, index=True),  # empty: of the whole group
    Column("item_group_id", String(200), nullable=False, index=True),
    Column("rating", Float, nullable=False),
    Column("stars", Integer, nullable=False),  # the rating as whole stars
    Column("title", Text, nullable=False),
    Column("review", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("created_at", Float),  # null: not known
    Column("added_at", Float, nullable=False),
)


class Database:
    """Connections to the database, with the tables in place.

    Args:
        url: SQLAlchemy URL. A SQLite file is made when missing, in WAL mode, with full durability.

    Raises:
        SettingsError: The URL cannot be understood, or its driver is not installed.
        StorageError: The database cannot be opened, or was made by a newer version. (Tables of
            older versions are brought up to date, products kept.)
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        with self.begin() as connection:
            metadata.create_all(connection)
            found = connection.execute(schema_info.select()).scalar()
            if found is None:
                connection.execute(schema_info.insert().values(version=SCHEMA_VERSION))
            elif found in _MIGRATIONS:
                _migrate(connection, found)
            elif found != SCHEMA_VERSION:
                raise StorageError(
                    f"The database at {self.place} has table version {found}, this "
                    f"Shopsight needs {SCHEMA_VERSION}: install the matching version, or index "
                    "into a new data folder."
                )

    @property
    def place(self) -> str:
        """Where the database is, without its password."""
        url = make_url(self.url)
        return (
            url.database or str(url)
            if url.drivername.startswith("sqlite")
            else url.render_as_string()
        )

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed on success, rolled back on any exception.

        Raises:
            StorageError: Disk full, read-only, corrupt, or unreachable.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _translated(self, error: SQLAlchemyError) -> StorageError:
        cause = str(getattr(error, "orig", None) or error)
        lowered = cause.lower()
        if "disk is full" in lowered or "no space" in lowered:
            advice = (
                "the disk is full: free some space and run the same command again; "
                "nothing written was lost"
            )
        elif "readonly" in lowered or "read-only" in lowered or "permission" in lowered:
            advice = "it cannot be written: check the folder's owner and permissions"
        elif "unable to open" in lowered:
            advice = "it cannot be opened: check that the folder exists and may be written"
        elif "malformed" in lowered or "not a database" in lowered:
            advice = (
                "it is damaged: restore a backup, or move the data folder away and index the feed "
                "again (the catalogue and the index are rebuilt from it)"
            )
        elif "locked" in lowered:
            advice = "another process keeps it locked: try again when that has finished"
        else:
            advice = cause
        return StorageError(f"Database {self.place}: {advice}")


def _migrate(connection: Connection, found: int) -> None:
    """Bring the tables up to date, within the transaction: all of it happens, or nothing."""
    for version in range(found, SCHEMA_VERSION):
        # Changing the number first locks out other processes, and tells who was first.
        query = schema_info.update().where(schema_info.c.version == version)
        if connection.execute(query.values(version=version + 1)).rowcount:
            for statement in _MIGRATIONS[version]:
                connection.execute(text(statement))


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        wait = sqlite and "timeout" not in parsed.query
        engine = create_engine(parsed, connect_args={"timeout": 30} if wait else {})
    except (SQLAlchemyError, NoSuchModuleError, ImportError) as error:
        raise SettingsError(f"SHOPSIGHT_DATABASE_URL {url!r} cannot be used: {error}") from error
    if sqlite:
        _prepare_sqlite(engine, parsed.database)
    return engine


def _prepare_sqlite(engine: Engine, path: str | None) -> None:
    if path and path != ":memory:":
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The data folder {Path(path).parent} cannot be made: {error.strerror}"
            ) from error

    @event.listens_for(engine, "connect")
    def _configure(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a sqlite3 connection
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.close()


__all__ = [
    "Database",
    "api_keys",
    "attribute_types",
    "brand_examples",
    "brands",
    "calibrations",
    "distinct_products",
    "events",
    "images",
    "index_versions",
    "jobs",
    "metadata",
    "picture_places",
    "picture_texts",
    "products",
    "reviews",
    "saved_feeds",
    "searches",
    "sessions",
    "shop_settings",
]
