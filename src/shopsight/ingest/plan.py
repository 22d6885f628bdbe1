"""What a chunk of products needs: pictures to encode, attributes to refresh, what to remove."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shopsight.catalog.product import Product
from shopsight.catalog.store import ImageState, ProductState, record_id
from shopsight.errors import FetchError
from shopsight.images.source import ImageSource, Location


@dataclass(frozen=True, slots=True)
class ImageTask:
    """A picture to be had and encoded.

    Attributes:
        product: Whose picture it is.
        state: What is known of it. Its validators, stamp and hash are set only if the index holds
            just that picture, so that an unchanged answer needs no encoding.
        location: Where its bytes are.
    """

    product: Product
    state: ImageState
    location: Location


@dataclass(slots=True)
class ChunkPlan:
    """Work for one chunk of products.

    Attributes:
        created, updated: Products to write to the catalogue.
        unchanged: Ids of products that need no write there.
        tasks: Pictures to fetch.
        refresh: Pictures whose vector stays and whose attributes or words change, with their
            product.
        removed: Pictures that their product no longer has.
        failures: Pictures whose link leads nowhere, with the reason.
        images_current: Pictures that need nothing.
    """

    created: list[Product] = field(default_factory=list)
    updated: list[Product] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    tasks: list[ImageTask] = field(default_factory=list)
    refresh: list[tuple[Product, ImageState]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failures: list[tuple[ImageState, str]] = field(default_factory=list)
    images_current: int = 0


class Planner:
    """Compares products with what the catalogue knows of them.

    Args:
        source: Resolves links and looks at local files.
        version: Index version that must hold the pictures.
        max_age_s: Seconds for which a picture from the web counts as fresh.
        recorded: Find pictures whose link is known where they were last time, instead of resolving
            the link anew.
    """

    def __init__(
        self, source: ImageSource, version: str, max_age_s: float, *, recorded: bool = False
    ) -> None:
        self._source = source
        self._version = version
        self._max_age_s = max_age_s
        self._recorded = recorded

    def plan(self, products: Sequence[Product], known: Mapping[str, ProductState]) -> ChunkPlan:
        """Decide what a chunk needs. Reads no picture; looks at the time stamps of local ones."""
        plan = ChunkPlan()
        for product in products:
            state = known.get(product.id)
            content_hash = product.content_hash()
            if state is None:
                plan.created.append(product)
            elif state.content_hash != content_hash:
                plan.updated.append(product)
            else:
                plan.unchanged.append(product.id)
            images = state.images if state else {}
            for position, link in enumerate(product.image_links):
                self._plan_image(
                    plan, product, content_hash, images.get(position), (position, link)
                )
            gone = range(len(product.image_links), max(images, default=-1) + 1)
            plan.removed += [images[position].record_id for position in gone if position in images]
        return plan

    def again(self, products: Sequence[Product], states: Sequence[ImageState]) -> list[ImageTask]:
        """Tasks for pictures that the index turned out not to hold."""
        by_id = {product.id: product for product in products}
        tasks = []
        for state in states:
            forgotten = ImageState(
                state.record_id, state.product_id, state.position, state.link, state.location
            )
            location = Location.parse(state.location)
            tasks.append(ImageTask(by_id[state.product_id], forgotten, location))
        return tasks

    def _plan_image(
        self,
        plan: ChunkPlan,
        product: Product,
        content_hash: str,
        old: ImageState | None,
        image: tuple[int, str],
    ) -> None:
        position, link = image
        indexed = old if old is not None and old.index_version == self._version else None
        if indexed is not None and indexed.product_hash != content_hash:
            plan.refresh.append((product, indexed))
        state = ImageState(
            record_id(product.id, position),
            product.id,
            position,
            link,
            location="",  # never one that was refused: what is recorded here is trusted later
            index_version=indexed.index_version if indexed else None,
        )
        try:
            location = self._locate(link, old)
        except FetchError as error:
            plan.failures.append((state, str(error)))
            return
        state = replace(state, location=str(location))
        if indexed is None or indexed.location != state.location or indexed.error is not None:
            plan.tasks.append(ImageTask(product, state, location))
        elif self._fresh(indexed, location):
            plan.images_current += 1
        else:
            plan.tasks.append(ImageTask(product, replace(indexed, link=link), location))

    def _locate(self, link: str, old: ImageState | None) -> Location:
        if self._recorded and old is not None and old.link == link and old.location:
            return Location.parse(old.location)
        return self._source.resolve(link)

    def _fresh(self, state: ImageState, location: Location) -> bool:
        if location.is_local:
            return state.stamp is not None and self._source.stamp(location) == state.stamp
        return state.fetched_at is not None and time.time() - state.fetched_at < self._max_age_s
