"""Measures vector stores on synthetic clustered vectors: recall, latency, filters, building.

Run ``python benchmarks/store.py --help``. Vectors are seeded; latencies include Python's part.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight import plugins
from shopsight.index.base import FieldType, Metric, Records, StoreSchema, VectorStore
from shopsight.index.filters import And, Compare, Filter, Op

Vectors = NDArray[np.float32]

FIELDS = {
    "brand": FieldType.STRING,
    "price": FieldType.NUMBER,
    "on_sale": FieldType.BOOLEAN,
    "colors": FieldType.STRINGS,
}
WIDTHS = {"none": None, "1%": 10.0, "10%": 100.0, "1% again": 10.0, "10% again": 100.0}
"""Per case the width of the range of prices let through; ``again``: by all queries the same range.

Prices are spread evenly from 0 to 1000 and say nothing about the vector.
"""

WRITE_ROWS = 512
CHUNK_ROWS = 10_240
WARM_UP = 20


class Clusters:
    """Unit vectors around random centres, fifty to a centre, as pictures of similar products lie.

    Args:
        rows: Number of vectors stored.
        dimension: Their length.
    """

    def __init__(self, rows: int, dimension: int) -> None:
        self.dimension = dimension
        generator = np.random.default_rng(0)
        shape = (max(10, rows // 50), dimension)
        self._centres = generator.standard_normal(shape, dtype=np.float32)

    def draw(self, count: int, seed: int) -> Vectors:
        """``(count, dimension)`` float32 of unit length."""
        generator = np.random.default_rng(seed)
        chosen = self._centres[generator.integers(len(self._centres), size=count)]
        chosen += 0.7 * generator.standard_normal(chosen.shape, dtype=np.float32)
        return chosen / np.linalg.norm(chosen, axis=1, keepdims=True)


def batches(clusters: Clusters, rows: int, size: int) -> Iterator[Records]:
    """The rows to be stored, in parts of some size; the same rows whatever the size."""
    for part in _chunks(clusters, rows):
        for start in range(0, len(part), size):
            rows_of_part = slice(start, start + size)
            yield Records(
                part.ids[rows_of_part],
                part.product_ids[rows_of_part],
                part.vectors[rows_of_part],
                part.attributes[rows_of_part],
            )


def _chunks(clusters: Clusters, rows: int) -> Iterator[Records]:
    for start in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - start)
        generator = np.random.default_rng(start + 1)
        price = generator.uniform(0, 1000, count)
        yield Records(
            ids=[f"image-{row}" for row in range(start, start + count)],
            product_ids=[f"product-{row // 2}" for row in range(start, start + count)],
            vectors=clusters.draw(count, start + 2),
            attributes=[
                {
                    "brand": f"brand {row % 97}",
                    "price": float(price[row]),
                    "on_sale": row % 5 == 0,
                    "colors": [f"color {row % 11}", f"color {row % 7}"],
                }
                for row in range(count)
            ],
        )


def lowest_price(case: str, number: int) -> float:
    """Where the range of prices begins that a query's filter lets through."""
    return 0 if case.endswith("again") else number * 37 % 900


def query_filter(case: str, number: int) -> Filter | None:
    """The filter of a query."""
    width = WIDTHS[case]
    if width is None:
        return None
    low = lowest_price(case, number)
    return And((Compare("price", Op.GE, low), Compare("price", Op.LT, low + width)))


def exact_answers(
    clusters: Clusters, rows: int, queries: Vectors, k: int
) -> dict[str, list[set[str]]]:
    """Per case and query, the keys of the ``k`` nearest rows that pass the filter."""
    best: dict[str, list[list[tuple[float, str]]]] = {
        case: [[] for _ in queries] for case in WIDTHS
    }
    for part in batches(clusters, rows, CHUNK_ROWS):
        found = queries @ part.vectors.T
        price = np.array([row["price"] for row in part.attributes])
        for case, width in WIDTHS.items():
            for number, scores in enumerate(found):
                low = lowest_price(case, number)
                masked = scores
                if width is not None:
                    masked = np.where((price >= low) & (price < low + width), scores, -np.inf)
                top = np.argpartition(-masked, k)[:k]
                rows_so_far = best[case][number]
                rows_so_far += [
                    (masked[row], part.ids[row]) for row in top if masked[row] > -np.inf
                ]
                best[case][number] = sorted(rows_so_far, reverse=True)[:k]
    return {case: [{key for _, key in row} for row in lists] for case, lists in best.items()}


def measure_searches(
    store: VectorStore, queries: Vectors, answers: dict[str, list[set[str]]], k: int, effort: float
) -> dict[str, dict[str, float]]:
    """Per case: recall@k, and the median and 95th percentile of the latency in milliseconds."""
    results = {}
    for case, wanted in answers.items():
        for number in range(WARM_UP):
            where = query_filter(case, len(queries) + number)
            store.search(queries[number], k, where=where, effort=effort)
        latencies, hits = [], 0
        for number, query in enumerate(queries):
            where = query_filter(case, number)
            start = time.perf_counter()
            found = store.search(query, k, where=where, effort=effort)
            latencies.append(time.perf_counter() - start)
            hits += len(wanted[number].intersection(found.ids))
        p50, p95 = np.percentile(np.array(latencies) * 1000, [50, 95])
        recall = hits / sum(map(len, wanted))
        results[case] = {"recall": recall, "p50_ms": float(p50), "p95_ms": float(p95)}
    return results


def measure(name: str, rows: int, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """All figures of one store with one number of rows."""
    clusters = Clusters(rows, options.dimension)
    schema = StoreSchema(dimension=options.dimension, metric=Metric(options.metric), fields=FIELDS)
    queries = clusters.draw(options.queries, 1_000_000_007)
    answers = exact_answers(clusters, rows, queries, options.k)
    store: VectorStore = plugins.load("stores", name).open(
        str(folder), "bench", schema, create=True
    )
    writing = 0.0
    for part in batches(clusters, rows, options.batch):
        start = time.perf_counter()
        store.upsert(part)
        writing += time.perf_counter() - start
    start = time.perf_counter()
    store.optimize()
    building = time.perf_counter() - start
    searches = measure_searches(store, queries, answers, options.k, options.effort)
    health = store.health()
    store.close()
    return {
        "store": name,
        "rows": rows,
        "dimension": options.dimension,
        "rows_per_s": rows / writing,
        "optimize_s": building,
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "index": health.extra.get("index", "none"),
        "searches": searches,
    }


def show(result: dict[str, object]) -> None:
    """Print one store's figures."""
    print(
        f"\n{result['store']}: {result['rows']} rows x {result['dimension']}; "
        f"written {result['rows_per_s']:.0f} rows/s, optimised in {result['optimize_s']:.1f} s, "
        f"{result['bytes'] / 1e6:.0f} MB, index {result['index']}"  # type: ignore[operator]
    )
    print(f"{'filter':>10} {'recall@k':>9} {'p50 ms':>8} {'p95 ms':>8}")
    for name, figures in result["searches"].items():  # type: ignore[attr-defined]
        print(
            f"{name:>10} {figures['recall']:9.4f} {figures['p50_ms']:8.2f} {figures['p95_ms']:8.2f}"
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--store", nargs="+", default=["lance", "exact"])
    parser.add_argument("--metric", choices=list(Metric), default=Metric.COSINE)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=WRITE_ROWS, help="rows per write")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    results = []
    for rows in options.rows:
        for name in options.store:
            folder = Path(tempfile.mkdtemp(prefix="shopsight-bench-"))
            try:
                results.append(measure(name, rows, options, folder))
            finally:
                shutil.rmtree(folder)
            if not options.json:
                show(results[-1])
    if options.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
