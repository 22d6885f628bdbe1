"""The life of index versions: made, filled, activated, retired. One answers searches."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from shopsight.catalog.store import CatalogStore
from shopsight.encoders.base import EncoderSpec
from shopsight.errors import VectorIndexError
from shopsight.index.base import FieldType, Metric
from shopsight.index.collection import Collection, open_collection
from shopsight.index.standardize import Standardizer
from shopsight.index.versions import IndexManifest, VersionStore, check_encoder
from shopsight.ingest.fields import CORE_FIELDS

log = logging.getLogger(__name__)

MIN_ROWS_TO_STANDARDIZE = 100
"""With fewer vectors the deviations of the dimensions are mostly noise."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How new versions are made; the settings of the same names explain it."""

    store: str
    uri: str
    metric: Metric
    standardize: bool


class IndexLifecycle:
    """Opens, makes and replaces index versions.

    A version behind the active one is retired: it is kept until the next ingest, because servers
    may still read it. One ahead of it is being filled by an unfinished re-index.

    Args:
        versions: Where they are listed.
        catalog: Knows the attributes, and which version holds which picture.
        options: How new ones are made.
    """

    def __init__(
        self, versions: VersionStore, catalog: CatalogStore, options: IndexOptions
    ) -> None:
        self._versions = versions
        self._catalog = catalog
        self._options = options

    def active(self) -> IndexManifest | None:
        """The version that answers searches."""
        return self._versions.active()

    def open(self, manifest: IndexManifest, *, create: bool = False) -> Collection:
        """Open a version.

        Raises:
            VectorIndexError: Its vectors are gone.
            StorageError: They cannot be read.
        """
        return open_collection(
            manifest,
            store=self._options.store,
            uri=self._options.uri,
            fields=self._fields(),
            create=create,
        )

    def open_active(self) -> Collection:
        """Open the version that answers searches.

        Raises:
            VectorIndexError: There is none yet, or its vectors are gone.
        """
        manifest = self.active()
        if manifest is None:
            raise VectorIndexError("Nothing is indexed yet: run `shopsight index FEED` first.")
        return self.open(manifest)

    def first(self, spec: EncoderSpec) -> Collection:
        """Make the first version and let it answer searches."""
        manifest = self._manifest(spec)
        collection = self.open(manifest, create=True)
        self._versions.create(manifest)
        self._versions.activate(manifest.name)
        return collection

    def begin_rebuild(self, spec: EncoderSpec) -> Collection:
        """Make a version to be filled beside the active one, or go on with an unfinished one."""
        for unfinished in self._ahead():
            same_encoder = unfinished.fingerprint == spec.fingerprint
            if (
                same_encoder
                and unfinished.metric == self._options.metric
                and not unfinished.standardizer
            ):
                return self.open(unfinished, create=True)
            self._drop(unfinished)
        manifest = self._manifest(spec)
        collection = self.open(manifest, create=True)
        self._versions.create(manifest)
        return collection

    def activate(self, collection: Collection) -> None:
        """Let a filled version answer searches from now on."""
        self._versions.activate(collection.manifest.name)

    def drop_retired(self) -> None:
        """Delete versions that no longer answer searches, and what was kept for them alone."""
        active = self.active()
        for manifest in self._versions.list():
            if active is not None and manifest.name < active.name:
                self._drop(manifest)
        self._catalog.places.keep_only({manifest.fingerprint for manifest in self._versions.list()})

    def standardized(self, collection: Collection) -> Collection:
        """Fit the standardisation on a version and copy it, scaled, into a new, active version.

        Returns:
            The new version; or the given one if that setting is off, already applied, or there are
            too few vectors.
        """
        done = collection.manifest.standardizer is not None
        if not self._options.standardize or done:
            return collection
        rows = collection.store.count()
        if rows < MIN_ROWS_TO_STANDARDIZE:
            log.warning(
                "Standardisation waits for %d pictures in the index; there are %d.",
                MIN_ROWS_TO_STANDARDIZE,
                rows,
            )
            return collection
        for unfinished in self._ahead():
            if unfinished.name != collection.manifest.name:
                self._drop(unfinished)
        fitted = Standardizer.fit(records.vectors for records in collection.scan())
        manifest = collection.manifest.model_copy(
            update={
                "name": self._versions.next_name(),
                "standardizer": fitted.to_dict(),
                "created_at": time.time(),
            }
        )
        copy = self.open(manifest, create=True)
        for records in collection.scan():
            copy.upsert(records)
        copy.store.optimize()
        self._versions.create(manifest)
        self._catalog.move_images(collection.manifest.name, manifest.name)
        self.activate(copy)
        collection.close()
        return copy

    def check(self, manifest: IndexManifest, spec: EncoderSpec) -> None:
        """Make sure that an encoder made the vectors of a version.

        Raises:
            EncoderMismatchError: Another one did; says how to re-index.
        """
        check_encoder(manifest, spec.name, spec.fingerprint)

    def _manifest(self, spec: EncoderSpec) -> IndexManifest:
        return IndexManifest(
            name=self._versions.next_name(),
            encoder=spec.name,
            fingerprint=spec.fingerprint,
            dimension=spec.dimension,
            metric=self._options.metric.value,
            licence=spec.licence,
            source=spec.source,
            standardizer=None,
            created_at=time.time(),
        )

    def _ahead(self) -> list[IndexManifest]:
        active = self.active()
        return [m for m in self._versions.list() if active is not None and m.name > active.name]

    def _drop(self, manifest: IndexManifest) -> None:
        try:
            collection = self.open(manifest)
        except VectorIndexError:
            log.info("The vectors of index version %s were gone already.", manifest.name)
        else:
            collection.store.drop()
            collection.close()
        self._versions.delete(manifest.name)

    def _fields(self) -> Mapping[str, FieldType]:
        known = self._catalog.attribute_types()
        return {name: FieldType(kind) for name, kind in known.items()} | dict(CORE_FIELDS)
