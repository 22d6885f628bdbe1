"""Measures how fast the stores search texts, with and without filters, on made-up products.

Run ``python benchmarks/text_store.py --help``. Terms are as frequent as words in product texts
are, by Zipf's law; queries are terms of products, as shoppers would type. Everything is seeded;
latencies include Python's part.
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

from shopsight import plugins
from shopsight.index.base import FieldType, Records, StoreSchema, VectorStore
from shopsight.index.filters import And, Compare, Filter, Op

GOAL_MS = 25.0
"""Median of a search for words only, at 100,000 products, from words to ranked products."""

WIDTHS = {"none": None, "50 %": 500.0, "10 %": 100.0, "1 %": 10.0}
"""Per case, the width of the range of prices let through; they are spread from 0 to 1000."""

_VOCABULARY = 30_000
_DIMENSION = 32
_LENGTHS = (15, 80)
_WRITE_ROWS = 5_000
_WARM_UP = 10
_TERMS = (1, 2, 3, 4)


class Texts:
    """Texts of made-up products, and queries for them."""

    def __init__(self) -> None:
        self._words = np.array([f"word{number}" for number in range(_VOCABULARY)])
        # Without the few most frequent words of a language: products are not written in sentences.
        rarity = 1 / np.arange(20, _VOCABULARY + 20)
        self._chances = rarity / rarity.sum()

    def of_products(self, count: int, seed: int) -> list[str]:
        """Texts of some products."""
        generator = np.random.default_rng(seed)
        lengths = generator.integers(*_LENGTHS, count)
        drawn = self._words[generator.choice(_VOCABULARY, lengths.sum(), p=self._chances)]
        return [" ".join(part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]

    def of_queries(self, count: int) -> list[str]:
        """Queries of one to four terms."""
        generator = np.random.default_rng(1_000_000_007)
        return [
            " ".join(generator.choice(self._words, _TERMS[number % len(_TERMS)], p=self._chances))
            for number in range(count)
        ]


def batches(texts: Texts, rows: int) -> Iterator[Records]:
    """Rows to be stored, one for each product."""
    for start in range(0, rows, _WRITE_ROWS):
        count = min(_WRITE_ROWS, rows - start)
        generator = np.random.default_rng(start + 1)
        keys = [f"product-{row}" for row in range(start, start + count)]
        price = generator.uniform(0, 1000, count)
        yield Records(
            ids=keys,
            product_ids=keys,
            vectors=generator.standard_normal((count, _DIMENSION), dtype=np.float32),
            attributes=[{"price": float(value)} for value in price],
            texts=texts.of_products(count, start + 2),
        )


def measure(
    name: str, rows: int, queries: int, k: int, folder: Path
) -> Iterator[dict[str, object]]:
    """Figures of one store, a line for each filter."""
    texts = Texts()
    schema = StoreSchema(dimension=_DIMENSION, fields={"price": FieldType.NUMBER})
    store: VectorStore = plugins.load("stores", name).open(
        str(folder), "bench", schema, create=True
    )
    for part in batches(texts, rows):
        store.upsert(part)
    store.optimize()
    started = time.perf_counter()
    store.search_text("word0", k)  # the exact store makes its index now
    first = (time.perf_counter() - started) * 1000
    for case, width in WIDTHS.items():
        times, found = [], []
        for number, text in enumerate(texts.of_queries(queries + _WARM_UP)):
            where = _filter(width, number)
            started = time.perf_counter()
            found.append(len(store.search_text(text, k, where=where)))
            times.append((time.perf_counter() - started) * 1000)
        yield {
            "store": name,
            "rows": rows,
            "filter": case,
            "p50_ms": round(float(np.median(times[_WARM_UP:])), 2),
            "p95_ms": round(float(np.percentile(times[_WARM_UP:], 95)), 2),
            "goal_ms": GOAL_MS,
            "first_ms": round(first, 1),
            "found": round(float(np.mean(found)), 1),
        }
    store.close()


def _filter(width: float | None, number: int) -> Filter | None:
    if width is None:
        return None
    low = number * 37 % 500
    return And((Compare("price", Op.GE, low), Compare("price", Op.LT, low + width)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--store", nargs="+", default=["lance", "exact"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    options = parser.parse_args()
    if not options.json:
        print(f"{'store':>6} {'rows':>8} {'filter':>6} {'p50 ms':>8} {'p95 ms':>8} {'goal':>6}")
    for rows in options.rows:
        for name in options.store:
            folder = Path(tempfile.mkdtemp(prefix="shopsight-bench-"))
            try:
                for figures in measure(name, rows, options.queries, options.k, folder):
                    print(json.dumps(figures) if options.json else _line(figures), flush=True)
            finally:
                shutil.rmtree(folder)


def _line(figures: dict[str, object]) -> str:
    return (
        f"{figures['store']:>6} {figures['rows']:>8} {figures['filter']:>6} "
        f"{figures['p50_ms']:>8} {figures['p95_ms']:>8} {f'<= {GOAL_MS:g}':>6}"
    )


if __name__ == "__main__":
    main()
