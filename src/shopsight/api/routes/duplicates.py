"""Products that seem to be listed several times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.models_duplicates import DuplicateItem, DuplicatePage
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.catalog.distinct import DistinctStore, Pair, pairs_of
from shopsight.errors import BusyError
from shopsight.search.duplicates import THRESHOLD, DuplicateGroup

FRESH_S = 300.0
"""How long an answer serves further pages; the first page of an older one is found anew."""

Key = tuple[float, bool]


class DistinctBody(BaseModel):
    """Products that are different things.

    Attributes:
        product_ids: Each of them is another thing than each other one.
        distinct: ``false`` takes it back.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"product_ids": ["MUG001", "MUG002"]}]}
    )

    product_ids: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=2, max_length=50
    )
    distinct: bool = True


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

    def page(
        self, key: Key, offset: int, limit: int, hidden: AbstractSet[Pair] = frozenset()
    ) -> DuplicatePage:
        """One page of all groups.

        Args:
            key: Threshold, and whether variants count.
            offset: Groups to skip.
            limit: Groups wanted.
            hidden: Pairs that are different things; groups of nothing else are left out.

        Raises:
            BusyError: They are being found for somebody else.
        """
        groups = self._groups(key, anew=offset == 0)
        if hidden:
            groups = [group for group in groups if not pairs_of(group.product_ids) <= hidden]
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
    distinct = DistinctStore(parts.shop.database)

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
        include_distinct: Annotated[
            bool, Query(description="Whether groups found to be different things count, too.")
        ] = False,
    ) -> DuplicatePage:
        key = threshold, include_variants
        hidden: set[Pair] = set() if include_distinct else await parts.lookups.run(distinct.all)
        return await parts.writes.run(found.page, key, offset, limit, hidden)

    @routes.post(
        "/v1/duplicates/distinct",
        summary="Say that products are different things, however alike they look",
        description="Groups in which no pair is left are not listed from then on.",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 415, 422),
        openapi_extra=body_schema(DistinctBody),
    )
    async def post_distinct(request: Request) -> Response:
        body = await read_json(request, DistinctBody, parts.lookups)
        change = distinct.add if body.distinct else distinct.remove
        await parts.lookups.run(change, body.product_ids)
        return Response(status_code=204)

    return routes
