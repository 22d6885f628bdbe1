"""Products that seem to be listed several times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from shopsight.api.models_duplicates import DuplicateItem, DuplicatePage
from shopsight.api.parts import Parts, problems
from shopsight.errors import BusyError
from shopsight.search.duplicates import THRESHOLD, DuplicateGroup

FRESH_S = 300.0
"""How long an answer serves further pages; the first page of an older one is found anew."""

Key = tuple[float, bool]


class Found:
    """The last answer, so that its pages fit together. Safe to use from several threads.

    Args:
        find: Finds all groups, for a threshold, with or without variants.
        clock: Tells the time in seconds.
    """

    def __init__(
        self,
        find: Callable[[float, bool], Iterable[DuplicateGroup]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._clock = clock
        self._finding = threading.Lock()
        self._kept: tuple[Key, float, list[DuplicateGroup]] | None = None

    def page(self, key: Key, offset: int, limit: int) -> DuplicatePage:
        """One page of all groups.

        Args:
            key: Threshold, and whether variants count.
            offset: Groups to skip.
            limit: Groups wanted.

        Raises:
            BusyError: They are being found for somebody else.
        """
        groups = self._groups(key, anew=offset == 0)
        end = offset + limit
        return DuplicatePage(
            groups=[DuplicateItem.of(group) for group in groups[offset:end]],
            total=len(groups),
            next=end if end < len(groups) else None,
        )

    def _groups(self, key: Key, *, anew: bool) -> list[DuplicateGroup]:
        kept = self._kept
        if kept and kept[0] == key and not (anew and self._clock() - kept[1] >= FRESH_S):
            return kept[2]
        if not self._finding.acquire(blocking=False):
            raise BusyError(
                "Duplicates are being looked for already, which takes about a minute per 100,000 "
                "products: ask again soon."
            )
        try:
            groups = list(self._find(*key))
            self._kept = key, self._clock(), groups
        finally:
            self._finding.release()
        return groups


def router(parts: Parts) -> APIRouter:
    """Routes for duplicates."""
    routes = APIRouter(tags=["products"], dependencies=[Depends(parts.gate.admin())])

    def find(threshold: float, include_variants: bool) -> Iterable[DuplicateGroup]:
        return parts.shop.duplicates(threshold=threshold, include_variants=include_variants)

    found = Found(find)

    @routes.get(
        "/v1/duplicates",
        summary="Products that share a picture, or nearly",
        description=(
            "Perhaps one thing listed several times. Every picture is compared with every other "
            "one: the first page takes about a minute per 100,000 products; the answer is kept "
            "for five minutes, so that its pages fit together."
        ),
        responses=problems(401, 403, 409, 422, 503),
    )
    async def list_duplicates(
        threshold: Annotated[
            float, Query(gt=0, le=1, description="Least similarity; 1: equal files only.")
        ] = THRESHOLD,
        include_variants: Annotated[
            bool, Query(description="Whether variants of one item_group_id count, too.")
        ] = False,
        limit: Annotated[int, Query(ge=1, le=1000, description="Most groups.")] = 100,
        offset: Annotated[int, Query(ge=0, description="Groups to skip.")] = 0,
    ) -> DuplicatePage:
        key = threshold, include_variants
        return await parts.writes.run(found.page, key, offset, limit)

    return routes
