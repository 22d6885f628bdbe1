"""Keeps at hand what tells the same thing from a similar one."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.picture_places import PicturePlaces
from shopsight.encoders.places import Places
from shopsight.errors import StorageError
from shopsight.index.collection import Collection
from shopsight.recognize.verification import (
    CANDIDATES,
    Case,
    Verdict,
    Verification,
    compared,
    fit_verification,
)
from shopsight.search.candidates import Candidate
from shopsight.search.confidence_cases import DEPTH, Picture, taken_out
from shopsight.search.engine import SearchEngine
from shopsight.wiring.kept import from_file, to_file

LEAST_GROUPS = 8
"""With fewer item groups among the made-up photos nothing is fitted."""

_SAMPLE = 500
"""Pictures that the mean look of places is taken of."""


class KnownVerification:
    """What a second look at the best hits goes by. Safe to use from several threads.

    It is fitted with the confidence, and kept in a file; without the file there is no second look.

    Args:
        collection: The index version.
        engine: Searches it.
        places: What the catalogue's pictures look like place by place.
        path: The file.
    """

    def __init__(
        self, collection: Collection, engine: SearchEngine, places: PicturePlaces, path: Path
    ) -> None:
        self._collection = collection
        self._engine = engine
        self._places = places
        self._path = path
        self._lock = threading.Lock()
        self._kept: Verification | None = None
        self._known = False

    @property
    def exists(self) -> bool:
        """Whether there is a second look."""
        return self._get() is not None

    def refresh(self) -> None:
        """Read the file again when it is next needed."""
        with self._lock:
            self._known = False

    def judge(self, photo: Places, found: Sequence[Candidate]) -> Verdict | None:
        """Look at the best hits of a photo again.

        Args:
            photo: Its places.
            found: Its hits, best first.

        Returns:
            ``None`` where nothing was fitted, or a picture was indexed without its places.
        """
        known = self._get()
        pictures = self._pictures(found[:CANDIDATES])
        if known is None or not pictures or len(pictures) < min(len(found), CANDIDATES):
            return None
        groups = self._engine.groups([one.product_id for one in found])
        return known.judge(photo, [one.score for one in found], groups, pictures)

    def fit(
        self, seen: Sequence[tuple[Picture, NDArray[np.float32], Places]], *, seed: int = 0
    ) -> None:
        """Find out with made-up photos what counts, and keep that.

        Each photo is judged as it is, and as if the shop did not have the thing: without its item
        group, and without up to half of the others, the likest first, as for the confidence.

        Args:
            seen: Pictures, and of a photo made up from each the vector and the places.
            seed: Of the number of groups left out.
        """
        fitted = None
        if len({picture.group for picture, _, _ in seen}) >= LEAST_GROUPS:
            centre = self._centre([vector for _, vector, _ in seen])
            if centre is not None:
                cases = [
                    case
                    for number, one in enumerate(seen)
                    for case in self._cases(*one, centre, np.random.default_rng((seed, number)))
                ]
                fitted = fit_verification(cases, centre)
        body = b"" if fitted is None else fitted.model_dump_json().encode()
        to_file(self._path, self._head(), body)
        with self._lock:
            self._kept, self._known = fitted, True

    def _cases(
        self,
        picture: Picture,
        vector: NDArray[np.float32],
        photo: Places,
        centre: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> list[Case]:
        found = self._engine.nearest(vector, DEPTH)
        groups = self._engine.groups([one.product_id for one in found])
        gone = taken_out(picture.group, dict.fromkeys(groups), rng)
        absent = [one for one, group in zip(found, groups, strict=True) if group not in gone]
        cases = []
        for some, there in ((found, True), (absent, False)):
            hits = some[:CANDIDATES]
            pictures = self._pictures(hits)
            ids = [one.product_id for one in hits]
            right = ids.index(picture.product_id) if picture.product_id in ids else None
            if not hits or len(pictures) < len(hits) or there != (right is not None):
                continue  # of a thing that is not even among the hits nothing can be learnt
            rows = compared(photo, [one.score for one in hits], pictures, centre)
            cases.append(Case(rows, self._engine.groups(ids), right))
        return cases

    def _pictures(self, hits: Sequence[Candidate]) -> list[Places]:
        """Places of the pictures of hits, as far as they are known."""
        fingerprint = self._collection.manifest.fingerprint
        packed = self._places.of_records([one.record for one in hits], fingerprint)
        unpacked = (Places.from_bytes(packed[one.record]) for one in hits if one.record in packed)
        return [one for one in unpacked if one is not None]

    def _centre(self, vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
        """Mean look of the places of pictures that are near to some vectors."""
        hits = {one.record: one for vector in vectors for one in self._engine.nearest(vector, 1)}
        pictures = self._pictures(list(hits.values())[:_SAMPLE])
        if not pictures:
            return None
        mean: NDArray[np.float32] = np.concatenate([one.looks for one in pictures]).mean(axis=0)
        return mean

    def _get(self) -> Verification | None:
        with self._lock:
            if not self._known:
                self._kept, self._known = self._read(), True
            return self._kept

    def _read(self) -> Verification | None:
        body = from_file(self._path, self._head())
        try:
            return Verification.from_json(body) if body else None
        except StorageError:
            return None  # damaged: fitted again with the next confidence

    def _head(self) -> str:
        """Says what was fitted to: it serves as long as that stays the same."""
        manifest = self._collection.manifest
        return json.dumps([manifest.name, manifest.fingerprint])
