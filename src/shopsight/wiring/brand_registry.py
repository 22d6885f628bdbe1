"""The registry of a shop's brands: how they are taught and kept."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from pydantic import ValidationError

from shopsight.catalog.brands import Brand, BrandExample, BrandStore, folded
from shopsight.errors import BrandError, ImageError
from shopsight.images.boxes import Box
from shopsight.images.prepare import ImageLimits, decode, read_local
from shopsight.recognize.brand_gallery import MADE_BY, Looks, looks_of_box, looks_of_logo
from shopsight.recognize.brand_tables import BrandRow, read_boxes, read_brands, told
from shopsight.recognize.brand_views import logo_of
from shopsight.wiring.photos import Photo, naming

if TYPE_CHECKING:
    from shopsight.wiring.models import Models

Progress = Callable[[int, int], None]
"""Told how many examples of how many are learnt."""

EXAMPLE_SIDE = 1024
"""Pixels of the longer side of example photos that are kept."""

LOGO_SIDE = 512
"""Pixels of the longer side of logos that are kept."""

_KEPT = ImageLimits(max_bytes=20_000_000, max_pixels=2_000_000, min_side=1)  # what was kept is ours
_SAVED_AT_ONCE = 64
_SEED_DIGITS = 8


@dataclass(frozen=True, slots=True)
class BrandReport:
    """What teaching brands has done.

    Attributes:
        brands: Brands that are new.
        examples: Logos and boxes that are new.
        problems: What was left out, and why; the row is named.
    """

    brands: int = 0
    examples: int = 0
    problems: tuple[str, ...] = ()


class BrandRegistry(ABC):
    """The brands that a shop was taught, and their examples. Safe to use from several threads.

    Args:
        store: Where they are kept.
        models: Encoder, which the examples are learnt with.
        limits: What a picture may cost.
    """

    def __init__(self, store: BrandStore, models: Models, limits: ImageLimits) -> None:
        self._store = store
        self._models = models
        self._limits = limits

    @abstractmethod
    def refresh(self) -> None:
        """See what was written since, here or by another process."""

    def add(
        self,
        name: str,
        *,
        logos: Sequence[Photo] = (),
        aliases: Sequence[str] = (),
        website: str = "",
    ) -> BrandReport:
        """Teach a brand, or more about one that is known; all of it is added, or nothing.

        Args:
            name: Its name. Names that differ only in case, accents, spaces and punctuation are of
                one brand.
            logos: Pictures of its logo, best see-through or on a plain ground.
            aliases: Other names.
            website: Its address.

        Raises:
            BrandError: A name is of another brand, or something is of no use.
            ImageError: A logo cannot be used.
        """
        brand = _checked(name, aliases, website)
        examples = [self._logo(brand, logo) for logo in logos]
        new = self._store.put(brand)
        added = self._store.add_examples(examples)
        self._learn()
        return BrandReport(int(new), added)

    def put(self, name: str, *, aliases: Sequence[str] = (), website: str = "") -> bool:
        """Add a brand, or replace its aliases and its website; its examples stay.

        Returns:
            Whether it is new.

        Raises:
            BrandError: A name is of another brand, or something is of no use.
        """
        new = self._store.replace(_checked(name, aliases, website))
        self.refresh()
        return new

    def add_example(self, name: str, photo: Photo, box: Box | None = None) -> bool:
        """Teach a brand that is known from a logo, or from a box on a photo.

        Returns:
            Whether the example is new.

        Raises:
            NotFoundError: There is no such brand.
            ImageError: The picture cannot be used.
        """
        brand = self._store.one(name)
        example = self._logo(brand, photo) if box is None else self._boxed(brand, photo, box)
        new = self._store.add_examples([example]) > 0
        self._learn()
        return new

    def import_file(self, path: Path, progress: Progress | None = None) -> BrandReport:
        """Teach brands from a CSV file; see :func:`.recognize.brand_tables.read_brands`.

        Raises:
            FeedError: The file cannot be read.
        """
        table = read_brands(path)
        problems = list(table.problems)
        brands = examples = 0
        for row in table.rows:
            try:
                brands += self._store.put(row.brand)
            except BrandError as error:
                problems.append(f"{row.place}: {error}")
                continue
            examples += self._store.add_examples(self._logos(row, problems))
        self._learn(progress)
        return BrandReport(brands, examples, tuple(problems))

    def teach(self, path: Path, progress: Progress | None = None) -> BrandReport:
        """Teach brands from photos with boxes; see :func:`.recognize.brand_tables.read_boxes`.

        Raises:
            FeedError: The file cannot be read.
        """
        table = read_boxes(path)
        problems = list(table.problems)
        brands = examples = 0
        known = {folded(name): brand for brand in self._store.all() for name in brand.names}
        for row in table.rows:
            brand = known.get(folded(row.brand))
            try:
                if brand is None:
                    brand = _checked(row.brand, (), "")
                example = self._boxed(brand, row.photo, Box(*row.box))
            except (BrandError, ImageError) as error:
                problems.append(f"{row.place}: {error}")
                continue
            if folded(row.brand) not in known:
                brands += self._store.put(brand)
                known[brand.key] = brand
            examples += self._store.add_examples([example])
        self._learn(progress)
        return BrandReport(brands, examples, tuple(problems))

    def all(self) -> list[Brand]:
        """The brands of the registry, in the order of their names."""
        return self._store.all()

    def one(self, name: str) -> Brand:
        """A brand of the registry, by its name or an alias.

        Raises:
            NotFoundError: There is none.
        """
        return self._store.one(name)

    def spelled(self, name: str) -> str:
        """A brand as answers spell it: as the registry does, or else as it is."""
        for brand in self._store.all():
            if folded(name) in {folded(one) for one in brand.names}:
                return brand.name
        return name

    def remove(self, name: str) -> None:
        """Forget a brand and its examples.

        Raises:
            NotFoundError: There is none.
        """
        self._store.remove(name)
        self.refresh()

    def remove_examples(self, name: str) -> int:
        """Forget what a brand's logo looks like; gives the number of examples.

        Raises:
            NotFoundError: There is no such brand.
        """
        count = self._store.remove_examples(name)
        self.refresh()
        return count

    def _keys(self, name: str) -> set[str]:
        """What the names of a brand fold to."""
        wanted = folded(name)
        for brand in self._store.all():
            keys = {folded(one) for one in brand.names}
            if wanted in keys:
                return keys
        return {wanted}

    def _learn(self, progress: Progress | None = None) -> None:
        """Make the vectors of examples that have none, so that the next photo need not wait."""
        self._looked(progress)
        self.refresh()

    def _looked(self, progress: Progress | None = None) -> list[BrandExample]:
        """All examples, with vectors of the encoder in use."""
        made_by = f"{self._models.spec().fingerprint} {MADE_BY}"
        examples = self._store.examples()
        stale = [n for n, one in enumerate(examples) if one.fingerprint != made_by]
        for start in range(0, len(stale), _SAVED_AT_ONCE):
            made: dict[str, bytes] = {}
            for number in stale[start : start + _SAVED_AT_ONCE]:
                one = examples[number]
                looks = self._looks(one).packed()
                examples[number] = replace(one, looks=looks, fingerprint=made_by)
                made[one.id] = looks
            self._store.save_looks(made, made_by)
            if progress is not None:
                progress(min(start + _SAVED_AT_ONCE, len(stale)), len(stale))
        return examples

    def _looks(self, example: BrandExample) -> Looks:
        seed = int(example.id[:_SEED_DIGITS], 16)
        if example.box is None:
            logo = logo_of(example.picture, _KEPT)
            return looks_of_logo(self._models.encoder, logo, seed)
        image = decode(example.picture, _KEPT)
        return looks_of_box(self._models.encoder, image, Box(*example.box), seed)

    def _logos(self, row: BrandRow, problems: list[str]) -> list[BrandExample]:
        found = []
        for logo in row.logos:
            try:
                found.append(self._logo(row.brand, logo))
            except ImageError as error:
                problems.append(f"{row.place}: {error}")
        return found

    def _logo(self, brand: Brand, logo: Photo) -> BrandExample:
        with naming((logo,)):
            image = logo_of(self._bytes(logo), self._limits)
        image.thumbnail((LOGO_SIDE, LOGO_SIDE), reducing_gap=3.0)
        return BrandExample(brand.key, _called(logo), _file(image, "PNG"))

    def _boxed(self, brand: Brand, photo: Photo, box: Box) -> BrandExample:
        with naming((photo,)):
            image = decode(self._bytes(photo), self._limits, target_side=EXAMPLE_SIDE)
        image.thumbnail((EXAMPLE_SIDE, EXAMPLE_SIDE), reducing_gap=3.0)
        return BrandExample(brand.key, _called(photo), _file(image, "JPEG"), box)

    def _bytes(self, photo: Photo) -> bytes:
        return photo if isinstance(photo, bytes) else read_local(Path(photo), self._limits)


def _checked(name: str, aliases: Sequence[str], website: str) -> Brand:
    try:
        return Brand(name=name, aliases=tuple(aliases), website=website)
    except ValidationError as error:
        raise BrandError(f"The brand {name!r} cannot be added: {told(error)}") from error


def _called(photo: Photo) -> str:
    return "" if isinstance(photo, bytes) else Path(photo).name


def _file(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "JPEG":
        image.save(file, kind, quality=92)
    else:
        image.save(file, kind)
    return file.getvalue()
