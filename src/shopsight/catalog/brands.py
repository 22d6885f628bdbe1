"""Brands that a shop knows: names, websites, and pictures of their logos, in the database."""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from shopsight.catalog.database import Database, brand_examples, brands
from shopsight.errors import BrandError, NotFoundError

NAME_LENGTH = 200
"""Characters of a name or an alias at most."""

MOST_ALIASES = 50

Sides = tuple[float, float, float, float]


def folded(name: str) -> str:
    """A name without what people write in different ways: case, accents, spaces, punctuation.

    Names that fold alike are of one brand: ``Coca-Cola``, ``COCA COLA`` and ``cocacola``. A name
    of punctuation alone stays as it is, but for case.
    """
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(
        letter for letter in decomposed if letter.isalnum() and not unicodedata.combining(letter)
    )
    return kept or re.sub(r"\s+", " ", decomposed.strip())


class Brand(BaseModel):
    """A brand.

    Attributes:
        name: As answers spell it.
        aliases: Other names, and how logos write it.
        website: Its address, http or https; may be empty.
        examples: Pictures of its logo that are known.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    aliases: tuple[str, ...] = Field(default=(), max_length=MOST_ALIASES)
    website: str = Field(default="", max_length=2000, pattern=r"^(https?://\S+)?$")
    examples: int = Field(default=0, ge=0)

    @field_validator("name", "website", mode="before")
    @classmethod
    def _trimmed(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("aliases", mode="after")
    @classmethod
    def _usable(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        trimmed = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
        for value in trimmed:
            if len(value) > NAME_LENGTH:
                raise ValueError(f"an alias has more than {NAME_LENGTH} characters")
        return trimmed

    @property
    def key(self) -> str:
        """The name, folded: what tells brands apart."""
        return folded(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True, eq=False)
class BrandExample:
    """A picture that shows a brand's logo.

    Attributes:
        brand: Key of the brand.
        name: Of its file, for people.
        picture: A PNG or JPEG file.
        box: Where the logo is, fractions of the picture; ``None``: the picture is the logo.
        looks: Vectors of it, as the recogniser packs them; empty: not made yet.
        fingerprint: Of what made the looks.
    """

    brand: str
    name: str
    picture: bytes
    box: Sides | None = None
    looks: bytes = b""
    fingerprint: str = ""

    @property
    def id(self) -> str:
        """The same picture with the same box is known once."""
        digest = hashlib.sha256(self.picture)
        digest.update(f"{self.brand} {self.box}".encode())
        return digest.hexdigest()


class BrandStore:
    """Reads and writes brands. Every method is one transaction.

    Each raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, brand: Brand) -> bool:
        """Add a brand; one that folds alike gets these aliases as well, and this website if any.

        Returns:
            Whether it is new.

        Raises:
            BrandError: One of its names is an alias or the name of another brand.
        """
        with self._database.begin() as connection:
            known = _brands(connection)
            _check_apart(brand, known.values())
            old = known.get(brand.key)
            row = {
                "name": brand.name,
                "aliases": _merged(brand, old),
                "website": brand.website or (old.website if old else ""),
            }
            if old is not None:
                connection.execute(update(brands).where(brands.c.key == brand.key).values(**row))
            else:
                connection.execute(
                    insert(brands).values(key=brand.key, created_at=time.time(), **row)
                )
        return old is None

    def replace(self, brand: Brand) -> bool:
        """Add a brand, or let these names and this website take the place of the old ones.

        Returns:
            Whether it is new.

        Raises:
            BrandError: One of its names is an alias or the name of another brand.
        """
        row = {"name": brand.name, "aliases": list(brand.aliases), "website": brand.website}
        with self._database.begin() as connection:
            _check_apart(brand, _brands(connection).values())
            known = connection.execute(update(brands).where(brands.c.key == brand.key).values(row))
            if not known.rowcount:
                added = {"key": brand.key, "created_at": time.time()}
                connection.execute(insert(brands).values(row | added))
        return not known.rowcount

    def all(self) -> list[Brand]:
        """All brands, in the order of their names."""
        with self._database.begin() as connection:
            return sorted(_brands(connection).values(), key=lambda brand: brand.name.casefold())

    def one(self, name: str) -> Brand:
        """A brand by its name or an alias, however that is written.

        Raises:
            NotFoundError: There is none.
        """
        wanted = folded(name)
        for brand in self.all():
            if wanted in {folded(one) for one in brand.names}:
                return brand
        raise NotFoundError(f"There is no brand {name!r}: see `shopsight brand list`.")

    def remove(self, name: str) -> None:
        """Forget a brand, by its name or an alias, and its examples.

        Raises:
            NotFoundError: There is none.
        """
        key = self.one(name).key
        with self._database.begin() as connection:
            connection.execute(delete(brands).where(brands.c.key == key))

    def add_examples(self, examples: Sequence[BrandExample]) -> int:
        """Add examples of brands that are known; those that are there already stay as they are.

        Returns:
            How many were new.
        """
        rows = {one.id: one for one in examples}
        with self._database.begin() as connection:
            there = set(connection.execute(select(brand_examples.c.id)).scalars())
            fresh = [_row(one) for key, one in rows.items() if key not in there]
            if fresh:
                connection.execute(insert(brand_examples), fresh)
        return len(fresh)

    def examples(self, name: str = "") -> list[BrandExample]:
        """All examples, or those of one brand, in an order that stays the same.

        Raises:
            NotFoundError: There is no such brand.
        """
        query = select(brand_examples).order_by(brand_examples.c.brand, brand_examples.c.id)
        if name:
            query = query.where(brand_examples.c.brand == self.one(name).key)
        with self._database.begin() as connection:
            return [_example(row) for row in connection.execute(query).mappings()]

    def remove_examples(self, name: str) -> int:
        """Forget the examples of a brand; gives their number.

        Raises:
            NotFoundError: There is no such brand.
        """
        query = delete(brand_examples).where(brand_examples.c.brand == self.one(name).key)
        with self._database.begin() as connection:
            return connection.execute(query).rowcount

    def save_looks(self, looks: Mapping[str, bytes], fingerprint: str) -> None:
        """Keep the vectors of examples, by id."""
        with self._database.begin() as connection:
            for key, packed in looks.items():
                query = update(brand_examples).where(brand_examples.c.id == key)
                connection.execute(query.values(looks=packed, fingerprint=fingerprint))

    def state(self) -> tuple[object, ...]:
        """What changes whenever a brand or an example does; quick to ask for."""
        names = select(brands.c.name, brands.c.website, brands.c.aliases).order_by(brands.c.key)
        examples = select(
            func.count(), func.max(brand_examples.c.id), func.min(brand_examples.c.id)
        )
        with self._database.begin() as connection:
            rows = [str(tuple(row)) for row in connection.execute(names)]
            return (*rows, *connection.execute(examples).one())


def _brands(connection: Connection) -> dict[str, Brand]:
    query = select(brand_examples.c.brand, func.count()).group_by(brand_examples.c.brand)
    counts = {row[0]: int(row[1]) for row in connection.execute(query)}
    return {
        row["key"]: Brand(
            name=row["name"],
            aliases=tuple(row["aliases"]),
            website=row["website"],
            examples=counts.get(row["key"], 0),
        )
        for row in connection.execute(select(brands)).mappings()
    }


def _check_apart(brand: Brand, known: Iterable[Brand]) -> None:
    names = {folded(name): name for name in brand.names}
    for other in known:
        if other.key == brand.key:
            continue
        for name in other.names:
            if folded(name) in names:
                raise BrandError(
                    f"{names[folded(name)]!r} is a name of the brand {other.name!r} already: give "
                    "it to one of the two only, or remove the other brand first."
                )


def _merged(brand: Brand, old: Brand | None) -> list[str]:
    if old is None:
        return list(brand.aliases)
    return list(dict.fromkeys([*old.aliases, *brand.aliases]))


def _row(one: BrandExample) -> dict[str, object]:
    return {
        "id": one.id,
        "brand": one.brand,
        "name": one.name,
        "picture": one.picture,
        "box": None if one.box is None else list(one.box),
        "fingerprint": one.fingerprint or None,
        "looks": one.looks or None,
    }


def _example(row: RowMapping) -> BrandExample:
    box = row["box"]
    return BrandExample(
        brand=row["brand"],
        name=row["name"],
        picture=row["picture"],
        box=None if box is None else tuple(box),
        looks=row["looks"] or b"",
        fingerprint=row["fingerprint"] or "",
    )
