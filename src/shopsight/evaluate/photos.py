"""Measures a shop's search on labelled photos, as it is: its index, its encoder, its latency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shopsight.errors import FeedError, ShopsightError
from shopsight.evaluate.metrics import average_precision, ndcg_at, recall_at, reciprocal_rank
from shopsight.photo_lists import LabelledPhoto, PhotoList
from shopsight.search.query import SearchResult

DEPTH = 100
"""Products looked at per photo; a right one further down counts as not found."""

RECALL_AT = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over all photos.

    Definitions: Manning, Raghavan, Schütze, Introduction to Information Retrieval, chapter 8.

    Attributes:
        photos: Photos that were searched.
        failed: Photos that could not be used, with the reason; they count as not found.
        unlabelled: Rows of the list without a product.
        unknown_products: Labels that the index does not hold; their photos cannot succeed.
        recall: k -> mean share of right products among the first k.
        mrr: Mean reciprocal rank of the first right product.
        ndcg_at_10: Mean normalised discounted cumulative gain of the first 10, binary relevance.
        mean_average_precision: Mean over photos of the average precision, within the first 100.
        latency_ms: ``p50`` and ``p95`` of a whole query, in milliseconds.
    """

    photos: int
    failed: Mapping[str, str]
    unlabelled: int
    unknown_products: int
    recall: Mapping[int, float]
    mrr: float
    ndcg_at_10: float
    mean_average_precision: float
    latency_ms: Mapping[str, float]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "photos": self.photos,
            "failed": dict(self.failed),
            "unlabelled": self.unlabelled,
            "unknown_products": self.unknown_products,
            **{f"recall@{k}": round(value, 4) for k, value in self.recall.items()},
            "mrr": round(self.mrr, 4),
            "ndcg@10": round(self.ndcg_at_10, 4),
            "map": round(self.mean_average_precision, 4),
            "latency_ms": {name: round(value, 2) for name, value in self.latency_ms.items()},
        }


def evaluate(
    photos: PhotoList,
    search: Callable[[Path | bytes], SearchResult],
    *,
    known_products: Callable[[Sequence[str]], Iterable[str]],
    progress: Callable[[int], None] = lambda _: None,
    cut: Callable[[LabelledPhoto], bytes] | None = None,
) -> Evaluation:
    """Search every photo and compare with its label.

    Args:
        photos: Photos with labels.
        search: Finds the first :data:`DEPTH` products for a photo's file, or for bytes.
        known_products: Which of some ids the catalogue holds.
        progress: Told the number of photos done.
        cut: Gives the bytes of what is in a photo's box, see :func:`.pictures.cut_out`; without
            it, photos are searched whole.

    Raises:
        FeedError: There is no labelled photo.
    """
    if not photos.photos:
        raise FeedError("There is no photo with a product to evaluate on.")
    ranks: list[tuple[list[int], int]] = []
    latencies: list[float] = []
    failed: dict[str, str] = {}
    for done, item in enumerate(photos.photos, start=1):
        try:
            result = search(cut(item) if cut and item.box else item.photo)
        except ShopsightError as error:
            failed[str(item.photo)] = str(error)
            ranks.append(([], len(item.product_ids)))
        else:
            found = [hit.product.id for hit in result.hits]
            hits = [rank for rank, key in enumerate(found, start=1) if key in item.product_ids]
            ranks.append((hits, len(item.product_ids)))
            latencies.append(result.timings_ms["total"])
        progress(done)
    labels = sorted(set().union(*(item.product_ids for item in photos.photos)))
    return Evaluation(
        photos=len(photos.photos),
        failed=failed,
        unlabelled=photos.unlabelled,
        unknown_products=len(set(labels) - set(known_products(labels))),
        recall={k: _mean(recall_at(k, *one) for one in ranks) for k in RECALL_AT},
        mrr=_mean(reciprocal_rank(hits) for hits, _ in ranks),
        ndcg_at_10=_mean(ndcg_at(10, *one) for one in ranks),
        mean_average_precision=_mean(average_precision(*one) for one in ranks),
        latency_ms={f"p{q}": float(np.percentile(latencies or [0.0], q)) for q in (50, 95)},
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
