"""How often the category of a photo is right, and what knowing many categories costs.

    python benchmarks/categories.py quality --grocery FOLDER --clothing FOLDER [--encoder lite]
    python benchmarks/categories.py scale [--products 100000] [--classes 3000]

`quality` runs `shopsight evaluate --task classify` on lists that it writes to a temporary folder.
Groceries: the validation photos, learnt from the catalogue's iconic pictures through an index, and
from the training photos and the iconic pictures together; categories and products. Clothes: the
photos of one sender in five, those that `lite` was not trained on, learnt from the photos of all
other senders.

`scale` learns random classes, and says how long it takes, how much memory the tables need, and how
much longer a photo takes beside the nearest neighbours alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from shopsight.recognize.category import Classifier
from shopsight.recognize.category_blend import NEAREST
from shopsight.recognize.category_gallery import Batch, MemoryGallery
from shopsight.recognize.category_paths import CategoryTree
from shopsight.recognize.category_tables import learn

HELD_OUT_SENDERS = 5
"""One sender in so many was not learnt from: see ``tools/train_default/sources.py``."""

Row = Mapping[str, str]


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Iterable[Row]) -> Path:
    """A CSV file of rows with the same columns."""
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def shopsight(encoder: str, *arguments: object) -> str:
    """Output of a command."""
    command = [sys.executable, "-m", "shopsight", "--encoder", encoder, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this program
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def figures(name: str, encoder: str, *arguments: object) -> None:
    """Evaluate, and print the figures."""
    found = json.loads(shopsight(encoder, *arguments, "--task", "classify", "--json"))
    print(f"{name}: {found['photos']} photos")
    for figure, one in found.items():
        if isinstance(one, dict) and "low" in one:
            print(f"  {figure:18} {one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    sys.stdout.flush()


def grocery(folder: Path, work: Path, encoder: str) -> None:
    """Groceries, from catalogue pictures alone and with photos."""
    products = {row["id"]: row for row in table(folder / "products.csv")}

    def labelled(rows: Iterable[tuple[str, str]]) -> Iterator[Row]:
        for photo, key in rows:
            category = products[key]["product_type"]
            yield {"photo": str(folder / photo), "product_id": key, "category": category}

    tested, photos = (
        write(
            work / f"{name}.csv",
            labelled(
                (row["photo"], row["product_id"]) for row in table(folder / f"photos_{name}.csv")
            ),
        )
        for name in ("val", "train")
    )
    iconic = write(
        work / "iconic.csv", labelled((row["image_link"], key) for key, row in products.items())
    )
    both = write(work / "both.csv", [*table(photos), *table(iconic)])
    data = work / "data"
    shopsight(encoder, "--data", data, "index", folder / "products.csv")
    figures("groceries, category, iconic pictures", encoder, "--data", data, "evaluate", tested)
    fine = ("--label-column", "product_id")
    for name, gallery in (("iconic pictures", iconic), ("photos and iconic pictures", both)):
        figures(
            f"groceries, product, {name}", encoder, "evaluate", tested, *fine, "--gallery", gallery
        )
    figures(
        "groceries, category, photos and iconic pictures",
        encoder,
        "evaluate",
        tested,
        "--gallery",
        both,
    )


def clothing(folder: Path, work: Path, encoder: str) -> None:
    """Clothes of senders that were not learnt from."""
    rows = [{**row, "photo": str(folder / row["photo"])} for row in table(folder / "photos.csv")]
    held = [
        row
        for row in rows
        if zlib.crc32(f"sender {row['sender']}".encode()) % HELD_OUT_SENDERS == 0
    ]
    columns = ("--label-column", "label", "--group-column", "sender")
    every, tested = write(work / "all.csv", rows), write(work / "held.csv", held)
    figures("clothes by sender", encoder, "evaluate", tested, *columns, "--gallery", every)


class Parts(MemoryGallery):
    """A gallery that comes a thousand pictures at a time, as the index gives them."""

    def batches(self) -> Iterator[Batch]:
        """See :meth:`.Gallery.batches`."""
        for whole in super().batches():
            for start in range(0, len(whole.groups), 1024):
                part = slice(start, start + 1024)
                yield Batch(whole.vectors[part], whole.classes[part], whole.groups[part])


def scale(count: int, classes: int, dimension: int = 256) -> None:
    """Learn many classes."""
    random = np.random.default_rng(0)
    middles = random.normal(size=(classes, dimension)).astype(np.float32)
    numbers = random.integers(0, classes, count)
    vectors = middles[numbers] + random.normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = Parts(vectors, numbers, [str(number) for number in range(count)])
    tree = CategoryTree([(f"{n % 20}", f"{n % 300}", f"{n}") for n in range(classes)])
    started = time.perf_counter()
    tables = learn(tree, gallery)
    first = time.perf_counter() - started
    if tables is None:
        raise SystemExit("There is nothing to learn.")
    started = time.perf_counter()
    tables = learn(tree, gallery, fit=tables.fit)
    again = time.perf_counter() - started
    if tables is None:
        raise SystemExit("There is nothing to learn.")
    classifier = Classifier(tables)
    asked: Sequence[int] = random.integers(0, count, 50).tolist()
    spent = {}
    for name, one in (
        ("neighbours alone", lambda row: gallery.nearest(vectors[row], NEAREST)),
        ("with categories", lambda row: classifier.classify(vectors[row])),
    ):
        times = []
        for row in asked:
            started = time.perf_counter()
            one(row)
            times.append((time.perf_counter() - started) * 1000)
        spent[name] = float(np.median(times))
    print(f"{count:,} pictures, {classes:,} categories, {dimension} numbers")
    print(f"  learnt in {first:.1f} s, with known numbers in {again:.1f} s")
    print(f"  tables: {classes * dimension * 4 / 1e6:.1f} MB")
    for name, value in spent.items():
        print(f"  {name}: {value:.2f} ms (x {value / spent['neighbours alone']:.2f})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["quality", "scale"])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--grocery", type=Path, help="folder of the Grocery Store Dataset")
    parser.add_argument("--clothing", type=Path, help="folder of clothing-dataset")
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=3000)
    arguments = parser.parse_args()
    if arguments.what == "scale":
        scale(arguments.products, arguments.classes)
        return
    with tempfile.TemporaryDirectory() as place:
        if arguments.grocery:
            grocery(arguments.grocery.resolve(), Path(place), arguments.encoder)
        if arguments.clothing:
            clothing(arguments.clothing.resolve(), Path(place), arguments.encoder)


if __name__ == "__main__":
    main()
