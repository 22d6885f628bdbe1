"""A shop: what users of the package hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from shopsight.errors import ImageError
from shopsight.images.boxes import Box
from shopsight.images.prepare import read_local
from shopsight.photo_lists import PhotoRow
from shopsight.search.focus import Focus
from shopsight.search.query import Hit, SearchResult
from shopsight.wiring.explaining import ShownExplanation
from shopsight.wiring.indexed import IndexedShop
from shopsight.wiring.limits import image_limits
from shopsight.wiring.options import SearchOptions, checked_box, query_of
from shopsight.wiring.photos import Photo, naming

if TYPE_CHECKING:
    from shopsight.recognize.answers import Recognition
    from shopsight.recognize.category import Classification
    from shopsight.search.duplicates import DuplicateGroup
    from shopsight.wiring.classifying import Proposal
    from shopsight.wiring.known_categories import ShopCategories


class Shop(IndexedShop):
    """One shop's catalogue, index and search.

    Safe to use from several threads. Close it, or use it as a context manager.

    Args:
        settings: How it is set up.

    Raises:
        StorageError: The data folder or the database cannot be used.
    """

    def search(
        self,
        photo: Photo | Sequence[Photo] | None = None,
        text: str = "",
        **options: Unpack[SearchOptions],
    ) -> SearchResult:
        """Find products by a photo, by words, by both, or by a product.

        Args:
            photo: A file, or a picture's bytes; or several photos of one thing.
            text: Words, such as ``this but in red, under 40 EUR``.
            options: How; see :class:`.options.SearchOptions`.

        Raises:
            ImageError: A photo cannot be used.
            QueryError: Nothing is asked, an option makes no sense, or the encoder does not know the
                focus; see :attr:`focuses`.
            NotFoundError: There is no such product.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        photos = _listed(photo)
        options.setdefault("regions", self.settings.regions)
        with naming(photos):
            query = query_of(self._bytes(photos), text, **options)
            return self.engine.search(query)

    def search_video(
        self, video: Photo, text: str = "", **options: Unpack[SearchOptions]
    ) -> SearchResult:
        """Find the products that a short video shows, with the time each is seen best.

        Args:
            video: A file, or its bytes: MP4, WebM, MOV or GIF.
            text: Words, such as ``in red, under 40 EUR``.
            options: As for :meth:`search`; ``negative_text``, ``ignore``, ``where``, ``facets``,
                ``limit``, ``offset`` and ``regions`` count.

        Raises:
            MissingExtraError: The extra ``video`` is not installed.
            DecodeError: The video cannot be used.
            QueryError: An option makes no sense.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        from shopsight.wiring.video import search_video

        (data,) = self._bytes((video,))
        serving = self._serve()
        with naming((video,)):
            return search_video(data, serving, self.models, query_of((data,), text, **options))

    def explain(
        self,
        photo: Photo | Sequence[Photo],
        result: SearchResult,
        *,
        box: Sequence[float] | None = None,
        focus: Focus | str = Focus.BALANCED,
    ) -> dict[str, ShownExplanation]:
        """Say why products matched a photo, by product id.

        Costs a forward pass for the photo, unless the search was told ``explain=True``, and one for
        the picture of each hit that was not explained lately.

        Args:
            photo: The photo; or several, of which each hit is explained by the one most like it.
            result: Of the search with it.
            box: The part that was asked for, if one was.
            focus: Of the search.

        Raises:
            ImageError: The photo, or the picture of a hit, cannot be had.
        """
        return self._serve().explainer.explain(
            self._bytes(_listed(photo)),
            result.hits,
            box=None if box is None else Box.checked(*box),
            regions=any(one.searched for one in result.objects),
            focus=Focus.named(focus),
        )

    def match(
        self,
        photos: Sequence[PhotoRow],
        *,
        where: str | None = None,
        limit: int = 10,
        focus: Focus | str = Focus.BALANCED,
    ) -> Iterator[dict[str, object]]:
        """Find the products on many photos; the options are those of :meth:`search`.

        Yields:
            For each photo, in order: its other columns, ``photo`` as given, ``hits`` with
            ``product_id``, ``score``, ``confidence`` and ``match``, ``no_match``, and ``error`` if
            it could not be used.
        """

        def one(row: PhotoRow) -> dict[str, object]:
            line: dict[str, object] = {**row.columns, "photo": row.photo}
            try:
                result = self.search(row.path, where=where, limit=limit, focus=focus)
            except ImageError as error:
                return {**line, "hits": [], "error": str(error)}
            hits = [matched(hit) for hit in result.hits]
            return {**line, "hits": hits, "no_match": result.no_match}

        with ThreadPoolExecutor(4, thread_name_prefix="match") as pool:
            yield from pool.map(one, photos)

    def recognize(
        self,
        photo: Photo,
        *,
        box: Box | Sequence[float] | None = None,
        regions: bool | None = None,
    ) -> Recognition:
        """Say which product a photo shows, by codes, printed words and its look.

        Args:
            photo: A file, or a picture's bytes.
            box: The part of it that is meant.
            regions: Whether the main subject is looked for where no part is named; as set if not
                given.

        Raises:
            ImageError: The photo cannot be used.
            QueryError: The box makes no sense.
            MissingExtraError: The settings want text to be read, and the extra ``ocr`` is missing.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        from shopsight.wiring.recognizing import product_recognizer

        (data,) = self._bytes((photo,))
        recognizer = product_recognizer(self._serve(), self.catalog, self.models, self.settings)
        with naming((photo,)):
            return recognizer.recognize(
                data,
                box=None if box is None else checked_box(box),
                regions=self.settings.regions if regions is None else regions,
            )

    def classify(
        self,
        photo: Photo,
        *,
        box: Box | Sequence[float] | None = None,
        regions: bool | None = None,
        related: int = 10,
    ) -> Classification:
        """Say which of the shop's categories a photo shows, level by level.

        Args:
            photo: A file, or a picture's bytes.
            box: The part of the photo that is meant: a box, or its four numbers.
            regions: Whether the main subject is looked for; as set if not given.
            related: Products of the category wanted, at most.

        Raises:
            ImageError: The photo cannot be used.
            NotFoundError: No product has a category.
            QueryError: The box makes no sense.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        from shopsight.wiring.classifying import classify

        with naming((photo,)):
            (data,) = self._bytes((photo,))
            return classify(
                data,
                self._serve(),
                regions=self.settings.regions if regions is None else regions,
                box=None if box is None else Box.checked(*box),
                related=related,
            )

    @property
    def categories(self) -> ShopCategories:
        """The categories of the catalogue.

        Raises:
            VectorIndexError: Nothing is indexed yet.
        """
        return self._serve(check=False).categories.categories()

    def propose_categories(
        self, feed: str | Path, *, image_root: Path | None = None
    ) -> Iterator[Proposal]:
        """Propose categories for the products of a feed that have none; changes nothing.

        Args:
            feed: The file.
            image_root: Folder that local pictures must be in; the feed's own when not given.

        Yields:
            One for each such product; pictures and rows that cannot be used are named.

        Raises:
            FeedError: The feed cannot be read at all.
            NotFoundError: No product of the catalogue has a category.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        from shopsight.wiring.classifying import proposals

        # Pictures of feeds show one thing on their own: looking for it finds nothing better.
        yield from proposals(
            Path(feed),
            self.categories,
            lambda data: self.classify(data, regions=False, related=0),
            self.picture,
            image_root=image_root,
        )

    def duplicates(
        self, *, threshold: float | None = None, include_variants: bool = False
    ) -> Iterator[DuplicateGroup]:
        """Products that look like one listed several times; takes about a minute per 100,000.

        The options are those of :func:`shopsight.search.duplicates.duplicates`.

        Raises:
            QueryError: The threshold is out of range.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        from shopsight.search.duplicates import THRESHOLD, duplicates

        yield from duplicates(
            self._serve().collection,
            self.catalog,
            parts=self.encoder.spec.parts,
            threshold=THRESHOLD if threshold is None else threshold,
            include_variants=include_variants,
        )

    def _bytes(self, photos: Sequence[Photo]) -> tuple[bytes, ...]:
        limits = image_limits(self.settings)
        return tuple(
            one if isinstance(one, bytes) else read_local(Path(one), limits) for one in photos
        )


def _listed(photo: Photo | Sequence[Photo] | None) -> tuple[Photo, ...]:
    if photo is None:
        return ()
    return (photo,) if isinstance(photo, str | Path | bytes) else tuple(photo)


def matched(hit: Hit) -> dict[str, object]:
    """A hit as one entry of :meth:`Shop.match`."""
    return {
        "product_id": hit.product.id,
        "score": round(hit.score, 6),
        "confidence": None if hit.confidence is None else round(hit.confidence, 4),
        "match": hit.match.value,
    }
