"""Whether words find what they mean: composed queries, and texts in English and Chinese.

    python benchmarks/text.py [--encoder lite] [--queries benchmarks/text_queries.csv] [--json]

Composed: a photo of one colour variant with "in COLOUR", "this but in COLOUR" or 要COLOUR的 must
have the variant of that colour first. The sample shop's groups give the cases: each variant of a
group is asked for from the one before it, and 40 of these are drawn with a fixed seed. A shopper
photo shows the variant where there is one, its catalogue picture otherwise. Colours are called as
the titles do.

Texts: one of the expected products must be among the first five. The queries were written by
looking at the products, before any was answered.

Misses are printed in full. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shopsight import Shop
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.train.measure import wilson

GOAL = 0.9
CASES = 40
TEMPLATES = ("in {}", "this but in {}", "要{}的")
_CHINESE_COLOR = re.compile("\uff08([^\uff08\uff09]+)\uff09$")  # in full-width parentheses


@dataclass(frozen=True)
class Case:
    """A query and what it must find.

    Attributes:
        task: ``composed``, ``en`` or ``zh``.
        text: What is said.
        expected: Ids of products; one must be among the first hits.
        first: How many hits count.
        photo: The photo, if there is one.
    """

    task: str
    text: str
    expected: frozenset[str]
    first: int
    photo: Path | None = None


def composed(cases: int = CASES) -> list[Case]:
    """The same variants each time; see this module."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in _rows(ROOT / "catalog.csv"):
        if row["item_group_id"]:
            groups.setdefault(row["item_group_id"], []).append(row)
    pairs = [
        (shown, wanted)
        for variants in groups.values()
        if len(variants) > 1
        for shown, wanted in zip(variants, [*variants[1:], variants[0]], strict=True)
    ]
    drawn = random.Random(0).sample(pairs, cases)
    photos: dict[str, str] = {}
    for row in _rows(ROOT / "photos.csv"):
        if row["kind"] == "single" and row["role"] == "main":
            photos.setdefault(row["id"], row["photo"])
    return [
        Case(
            "composed",
            _said(wanted, TEMPLATES[number % len(TEMPLATES)]),
            frozenset({wanted["id"]}),
            first=1,
            photo=ROOT / photos.get(shown["id"], shown["image_link"]),
        )
        for number, (shown, wanted) in enumerate(drawn)
    ]


def texts(path: Path) -> list[Case]:
    """The queries of a table with ``text``, ``language`` and ``expected`` ids between blanks."""
    return [
        Case(row["language"], row["text"], frozenset(row["expected"].split()), first=5)
        for row in _rows(path)
    ]


def measure(shop: Shop, cases: Sequence[Case]) -> Iterator[dict[str, object]]:
    """Figures of each task, with the queries that missed."""
    for task in dict.fromkeys(case.task for case in cases):
        some = [case for case in cases if case.task == task]
        missed = []
        for case in some:
            hits = shop.search(case.photo, case.text, limit=case.first).hits
            found = [hit.product.id for hit in hits]
            if case.expected.isdisjoint(found):
                shown = case.photo.name if case.photo else ""
                missed.append(f"{shown} {case.text!r}: {sorted(case.expected)}, not {found}")
        share = wilson(len(some) - len(missed), len(some))
        yield {
            "task": task,
            "queries": len(some),
            f"hit@{some[0].first}": str(share),
            "goal": f">= {GOAL}",
            "reached": share.value >= GOAL,
            "missed": missed,
        }


def _said(product: dict[str, str], template: str) -> str:
    chinese = _CHINESE_COLOR.search(product["title_zh"])
    if "要" in template and chinese:
        return template.format(chinese[1])
    return template.replace("要{}的", TEMPLATES[0]).format(product["color"].split("/")[0])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Index the sample shop into a folder of its own, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument(
        "--queries", type=Path, default=Path(__file__).with_name("text_queries.csv")
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cases = [*composed(), *texts(arguments.queries)]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), encoder=arguments.encoder)
        with Shop.open(settings=settings) as shop:
            shop.index(ROOT / "catalog.csv")
            for figures in measure(shop, cases):
                if arguments.json:
                    print(json.dumps(figures, ensure_ascii=False))
                    continue
                missed = figures.pop("missed")
                print(figures, *(missed if isinstance(missed, list) else []), sep="\n   ")


if __name__ == "__main__":
    main()
