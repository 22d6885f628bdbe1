"""How the server and its index are: for people, for orchestrators, for Prometheus."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from shopsight.api.metrics import MEDIA_TYPE
from shopsight.api.models import StatusAnswer
from shopsight.api.parts import Parts, problems
from shopsight.api.problems import ProblemError
from shopsight.errors import VectorIndexError
from shopsight.index.base import FieldType


class IndexAnswer(BaseModel):
    """The index that answers searches.

    Attributes:
        name: Its version.
        encoder: Name of the encoder that made its vectors.
        fingerprint: Fingerprint of that encoder.
        dimension: Length of the vectors.
        metric: Nearness of vectors.
        products: Products in the catalogue.
        searchable: Products that a search can find.
        images: Pictures in the index.
        failed_images: Pictures that could not be used.
        rows: Rows in the vector store.
        indexed: Rows that its ANN index covers.
        healthy: Whether the vector store can answer.
        detail: What the vector store says of itself.
        fields: Fields that a filter may name, with their types.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "v1",
                    "encoder": "lite",
                    "fingerprint": "lite-4f0c9a",
                    "dimension": 512,
                    "metric": "cosine",
                    "products": 149,
                    "searchable": 149,
                    "images": 198,
                    "failed_images": 0,
                    "rows": 198,
                    "indexed": 198,
                    "healthy": True,
                    "detail": "198 rows",
                    "fields": {"brand": "string", "price": "number"},
                }
            ]
        }
    )

    name: str
    encoder: str
    fingerprint: str
    dimension: int
    metric: Literal["cosine", "l2"]
    products: int
    searchable: int
    images: int
    failed_images: int
    rows: int
    indexed: int
    healthy: bool
    detail: str
    fields: dict[str, FieldType]


def router(parts: Parts) -> APIRouter:
    """Routes about the server itself."""
    routes = APIRouter(tags=["system"])
    admin = [Depends(parts.gate.admin())]

    @routes.get("/healthz", summary="Whether the process answers")
    async def healthz() -> StatusAnswer:
        return StatusAnswer(status="ok")

    @routes.get("/readyz", summary="Whether searches are answered", responses=problems(503))
    async def readyz() -> StatusAnswer:
        if not parts.upkeep.ready:
            if parts.upkeep.trouble is not None:
                raise ProblemError(
                    503, "not_ready", "The server cannot get ready. Its log tells why."
                )
            raise ProblemError(
                503,
                "not_ready",
                "The encoder is being loaded: try again in a second.",
                headers={"Retry-After": "1"},
            )
        return StatusAnswer(status="ready")

    @routes.get(
        "/v1/index",
        summary="State of the index",
        responses=problems(401, 403, 503),
        dependencies=admin,
    )
    async def get_index() -> IndexAnswer:
        return await parts.lookups.run(_index, parts)

    @routes.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses=problems(401, 403)
        | {200: {"description": "Figures.", "content": {"text/plain": {}}}},
        dependencies=admin,
    )
    async def get_metrics() -> Response:
        return Response(await parts.lookups.run(_metrics, parts), media_type=MEDIA_TYPE)

    return routes


def _index(parts: Parts) -> IndexAnswer:
    info = parts.shop.index_info()
    return IndexAnswer(
        name=info.manifest.name,
        encoder=info.manifest.encoder,
        fingerprint=info.manifest.fingerprint,
        dimension=info.manifest.dimension,
        metric=info.manifest.metric,
        products=info.counts.products,
        searchable=info.counts.searchable,
        images=info.counts.images,
        failed_images=info.counts.failed_images,
        rows=info.health.rows,
        indexed=info.health.indexed,
        healthy=info.health.ok,
        detail=info.health.detail,
        fields=dict(info.fields),
    )


def _metrics(parts: Parts) -> bytes:
    try:
        info = parts.shop.index_info()
        counts, rows = info.counts, {"rows": info.health.rows, "indexed_rows": info.health.indexed}
    except VectorIndexError:
        # Nothing is indexed yet, or it cannot be read: the other figures are wanted all the more.
        counts, rows = parts.shop.catalog.counts(), {}
    sizes = {
        "products": counts.products,
        "searchable_products": counts.searchable,
        "images": counts.images,
    }
    parts.metrics.sizes(sizes | {"failed_images": counts.failed_images} | rows)
    parts.metrics.jobs({state.value: count for state, count in parts.jobs.counts().items()})
    parts.metrics.cache("photos", parts.recent.stats())
    if (embeddings := parts.shop.embedding_stats()) is not None:
        parts.metrics.cache("embeddings", embeddings)
    parts.metrics.ready(parts.upkeep.ready)
    return parts.metrics.render()
