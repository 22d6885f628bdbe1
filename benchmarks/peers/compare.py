"""Shopsight beside the pipelines of articles, on the same photos and the same cores.

    python benchmarks/peers/compare.py [--grocery FOLDER] [--json]

Measures, one after the other and each in a process of its own:

* shopsight: ``Shop.index`` and ``Shop.search``, with the encoder as it comes;
* imagenet-faiss: raw ImageNet features in a flat FAISS index;
* textbook: grayscale pictures, a three-layer CNN trained here, scikit-learn's nearest neighbours.

``README.md`` beside this file says what is needed and how things are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from measure import HOMES, Figures, Outcome, run
from photo_sets import DataSet, grocery, sample_shop

OURS = "shopsight"
SECONDS = {"sample shop": 60.0, "grocery": 200.0}
"""How long the textbook's network may train on each set of photos."""

HEADER = ("pipeline", "recall@1", "recall@5", "index pictures/s", "query ms")
Outcomes = Mapping[str, Outcome]


def main() -> None:
    """Read the command line, measure, and print."""
    arguments = read_arguments()
    sets = [sample_shop()]
    if arguments.grocery:
        sets.append(grocery(arguments.grocery))
    if arguments.pictures or arguments.queries:
        most = sys.maxsize
        sets = [
            one.shortened(arguments.pictures or most, arguments.queries or most) for one in sets
        ]
    results = {one.name: measured(one, arguments) for one in sets}
    if arguments.json:
        print(json.dumps(as_json(results, arguments)))
        return
    print(f"{platform.machine()}, {arguments.threads} threads, encoder {arguments.encoder}")
    for one in sets:
        print_set(one, results[one.name])


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--grocery", type=Path, help="folder of the Grocery Store Dataset")
    parser.add_argument("--pipelines", nargs="+", choices=list(HOMES), default=list(HOMES))
    parser.add_argument("--encoder", default="lite", help="Shopsight's encoder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="how long the textbook's network may train")
    parser.add_argument("--pictures", type=int, help="use only so many, to try things out")
    parser.add_argument("--queries", type=int, help="use only so many photos")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measured(data: DataSet, arguments: argparse.Namespace) -> dict[str, Outcome]:
    """Pipeline -> what it did on a set of photos."""
    threads = arguments.threads
    options: dict[str, dict[str, Any]] = {
        "shopsight": {"threads": threads, "encoder": arguments.encoder},
        "imagenet-faiss": {"threads": threads},
        "textbook": {"threads": threads, "seconds": arguments.seconds or SECONDS[data.name]},
    }
    # Before the processes start, for these libraries read it when they are imported.
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["OMP_NUM_THREADS"] = str(threads)
    outcomes = {}
    for name in arguments.pipelines:
        print(f"{data.name}: {name} ...", file=sys.stderr, flush=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            outcomes[name] = alone.submit(run, name, options[name], data).result()
    return outcomes


def print_set(data: DataSet, outcomes: Outcomes) -> None:
    """Tables of a set of photos: a gallery each, figures with their ratio to ours."""
    for gallery, pictures in data.galleries.items():
        print(f"\n{data.name}, {gallery}: {len(data.queries)} photos, {len(pictures)} pictures\n")
        print(f"| {' | '.join(HEADER)} |\n| --- |{' ---: |' * (len(HEADER) - 1)}")
        ours = outcomes[OURS].galleries[gallery] if OURS in outcomes else None
        for name, outcome in outcomes.items():
            print(f"| {' | '.join([name, *cells(outcome.galleries[gallery], ours)])} |")
    for name, outcome in outcomes.items():
        if outcome.training is not None:
            training = outcome.training
            print(
                f"\n{name}: trained {training.seconds:.0f} s on {len(data.training)} pictures, "
                f"{training.epochs} epochs; {training.accuracy:.3f} of those held back got their "
                "label"
            )


def cells(figures: Figures, ours: Figures | None) -> list[str]:
    """Figures as text, with their ratio to ours in brackets."""
    formats: dict[str, Callable[[float], str]] = {
        "recall_1": "{:.3f}".format,
        "recall_5": "{:.3f}".format,
        "index_per_s": "{:.1f}".format,
        "query_ms": "{:.1f}".format,
    }
    texts = []
    for field, shown in formats.items():
        value = getattr(figures, field)
        base = getattr(ours, field, 0)
        texts.append(f"{shown(value)} (x {value / base:.2f})" if base else shown(value))
    return texts


def as_json(results: Mapping[str, Outcomes], arguments: argparse.Namespace) -> dict[str, object]:
    """All figures, for programs."""
    return {
        "threads": arguments.threads,
        "encoder": arguments.encoder,
        "sets": {
            name: {pipeline: asdict(outcome) for pipeline, outcome in outcomes.items()}
            for name, outcomes in results.items()
        },
    }


if __name__ == "__main__":
    main()
