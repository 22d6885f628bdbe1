"""How well products are recognised on photos, and what its stages cost beside a forward pass.

    python benchmarks/recognize.py [--ocr auto] [--scores-only] [--json]

Indexes the sample shop into a folder that is thrown away, recognises all its photos of one product,
of barcodes, and of things that are not sold, and times the stages in turns with a bare forward pass
of the encoder (``encode_images`` of one prepared picture), so that drift of the machine hits all.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shopsight.recognize.answers import Recognition
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
KINDS = ("single", "barcode", "absent")


@dataclass(frozen=True)
class Asked:
    """A photo, the product that it is of, and what was said."""

    photo: str
    kind: str
    product: str
    found: Recognition

    @property
    def likeliest(self) -> str:
        """The answer, or what would be it if it were sure enough."""
        if self.found.answer is not None:
            return self.found.answer
        return self.found.alternatives[0].answer if self.found.alternatives else ""


def photos() -> dict[str, tuple[str, str]]:
    """Photo to its kind and the product that is its subject; none of those with several."""
    with (ROOT / "photos.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in KINDS]
    found = {row["photo"]: (row["kind"], "") for row in rows}
    return found | {row["photo"]: (row["kind"], row["id"]) for row in rows if row["role"] == "main"}


def figures(asked: list[Asked], forward_ms: float) -> dict[str, object]:
    """What is printed."""
    found: dict[str, object] = {}
    for kind in KINDS:
        some = [one for one in asked if one.kind == kind]
        sure = {t: [one for one in some if one.found.confidence >= t] for t in THRESHOLDS}
        right = {t: sum(one.likeliest == one.product for one in sure[t]) for t in THRESHOLDS}
        found[kind] = {
            "photos": len(some),
            "top 1": sum(one.likeliest == one.product for one in some) / len(some),
            "answered, by threshold": {t: len(sure[t]) / len(some) for t in THRESHOLDS},
            "answered right, by threshold": {t: right[t] / len(some) for t in THRESHOLDS},
        }
    stages = defaultdict(list)
    for one in asked:
        for name, taken in one.found.timings_ms.items():
            stages[name].append(taken)
    found["text read of photos"] = len(stages["text"]) / len(asked)
    found["text, longest ms"] = max(stages["text"], default=0.0)
    found["forward pass ms"] = forward_ms
    found["median of each stage, in forward passes"] = {
        name: statistics.median(taken) / forward_ms for name, taken in stages.items() if taken
    }
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ocr", choices=("auto", "on", "off"), default="auto")
    parser.add_argument(
        "--scores-only", action="store_true", help="take no second look at the best hits"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"data": Path(folder), "ocr": options.ocr})
        with Shop.open(settings=settings) as shop:
            shop.index(ROOT / "catalog.csv")
            if options.scores_only:
                (settings.data / "verification.json").unlink()
                shop.refresh()
            shop.warm()
            reader = shop.models.text_reader()
            if reader is not None:
                reader.prepare()
            size = shop.encoder.spec.preprocessing.size
            blank = np.zeros((1, size, size, 3), np.uint8)
            asked, forward = [], []
            for photo, (kind, product) in photos().items():
                asked.append(Asked(photo, kind, product, shop.recognize(ROOT / photo)))
                started = time.perf_counter()
                shop.encoder.encode_images(blank)
                forward.append((time.perf_counter() - started) * 1000)
    found = figures(asked, statistics.median(forward))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {value}")
    for one in asked:
        if one.likeliest != one.product and (one.product or one.found.answer):
            said = f"{one.likeliest} ({one.found.confidence:.2f})"
            print(f"  {one.photo}: {one.product or 'not sold'}, taken for {said}")


if __name__ == "__main__":
    main()
