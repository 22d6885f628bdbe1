"""An index version that answers searches, with all that takes part in that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.calibrations import CalibrationStore
from shopsight.catalog.store import CatalogStore
from shopsight.encoders.places import Places
from shopsight.index.collection import Collection
from shopsight.photo_lists import PhotoRow
from shopsight.search.cache import EmbeddingCache
from shopsight.search.calibrate import VIEWS, Calibration
from shopsight.search.confidence_cases import Picture
from shopsight.search.engine import Abilities, SearchEngine
from shopsight.search.explaining.cells import CellCache
from shopsight.search.pages import RankingCache
from shopsight.search.photos import PhotoReader
from shopsight.settings import Settings
from shopsight.wiring.calibrating import Calibrator, Progress
from shopsight.wiring.explaining import CACHE_BYTES, Explainer
from shopsight.wiring.known_categories import KnownCategories
from shopsight.wiring.known_verification import KnownVerification
from shopsight.wiring.known_words import KnownWords
from shopsight.wiring.limits import image_limits
from shopsight.wiring.models import Models


class KnownCalibration:
    """The calibration of the index, read when it is first needed. Safe to use from threads.

    Args:
        load: Reads it.
    """

    def __init__(self, load: Callable[[], Calibration | None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._kept: Calibration | None = None
        self._known = False

    def get(self) -> Calibration | None:
        """The calibration as of the last refresh; ``None`` if there is none."""
        with self._lock:
            if not self._known:
                self._kept, self._known = self._load(), True
            return self._kept

    def refresh(self) -> None:
        """Read it again when it is next needed."""
        with self._lock:
            self._known = False


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers searches.

    Attributes:
        collection: The index version.
        engine: Searches it.
        reader: Reads photos.
        words: The catalogue's words.
        calibration: How scores become confidence.
        calibrator: Fits that.
        explainer: Says why hits matched.
        embeddings: Vectors of repeated photos.
        categories: The catalogue's categories.
        verification: Tells the same thing from a similar one.
    """

    collection: Collection
    engine: SearchEngine
    reader: PhotoReader
    words: KnownWords
    calibration: KnownCalibration
    calibrator: Calibrator
    explainer: Explainer
    embeddings: EmbeddingCache
    categories: KnownCategories
    verification: KnownVerification

    def calibrate(
        self,
        labels: Sequence[PhotoRow] = (),
        progress: Progress | None = None,
        *,
        views: int = VIEWS,
    ) -> Calibration | None:
        """Find out, with made-up photos, how sure one can be of products and of categories.

        The arguments are those of :meth:`.Calibrator.fit`.
        """
        seen: list[tuple[Picture, NDArray[np.float32]]] = []
        looked_at: list[tuple[Picture, NDArray[np.float32], Places]] = []

        def see(picture: Picture, vector: NDArray[np.float32]) -> None:
            seen.append((picture, vector))
            places = self.calibrator.places.get(vector.tobytes())
            if places is not None:
                looked_at.append((picture, vector, places))

        found = self.calibrator.fit(labels, progress, views=views, seen=see)
        self.calibration.refresh()
        self.verification.fit(looked_at)
        self.categories.fit(self.calibrator.pictures(), self.calibrator.encode, seen)
        return found

    def refresh(self) -> None:
        """See what was written."""
        store = self.collection.store
        store.refresh()
        # Facts of products change without the store, such as those that no filter knows.
        self.engine.forget_unless(f"{store.state} {self.words.signature()}")
        self.words.refresh()
        self.calibration.refresh()
        self.categories.refresh()
        self.verification.refresh()


def photo_reader(models: Models, settings: Settings, embeddings: EmbeddingCache) -> PhotoReader:
    """What reads shoppers' photos, with the models and within the limits of a shop."""
    return PhotoReader(
        image_limits(settings),
        encoder=lambda: models.encoder,
        encode=models.encode,
        finder=models.finder,
        embeddings=embeddings,
        seen=CellCache(CACHE_BYTES),
    )


def _known_calibration(collection: Collection, kept: CalibrationStore) -> KnownCalibration:
    def load() -> Calibration | None:
        manifest = collection.manifest
        text = kept.load(manifest.name, manifest.fingerprint)
        return None if text is None else Calibration.from_json(text)

    return KnownCalibration(load)


def serving(
    collection: Collection,
    catalog: CatalogStore,
    models: Models,
    settings: Settings,
    *,
    calibrations: CalibrationStore,
    load: Callable[[str], bytes],
) -> Serving:
    """Put a search together.

    Args:
        collection: The index version, open.
        catalog: Where products come from.
        models: Encoder and detector.
        settings: Limits.
        calibrations: Where calibrations are kept.
        load: Where a picture is to its bytes.
    """
    limits = image_limits(settings)
    words = KnownWords(catalog, collection, settings.data / "words.bin")
    embeddings = EmbeddingCache()
    reader = photo_reader(models, settings, embeddings)

    calibration = _known_calibration(collection, calibrations)
    engine = SearchEngine(
        catalog,
        collection,
        reader=reader,
        abilities=Abilities(
            spec=models.spec,
            encode_text=models.encode_text,
            vocabulary=words.vocabulary,
            calibration=calibration.get,
        ),
        rankings=RankingCache(),
    )
    calibrator = Calibrator(
        catalog,
        collection,
        engine=engine,
        reader=reader,
        models=models,
        store=calibrations,
        limits=limits,
        load=load,
        regions=settings.regions,
    )
    explainer = Explainer(collection, models, reader, load=load)
    categories = KnownCategories(
        catalog,
        collection,
        settings.data / "categories.json",
        field=settings.category_field,
        threshold=settings.category_threshold,
        head=models.category_head,
    )
    return Serving(
        collection,
        engine,
        reader,
        words,
        calibration,
        calibrator,
        explainer,
        embeddings,
        categories,
        KnownVerification(collection, engine, catalog.places, settings.data / "verification.json"),
    )
