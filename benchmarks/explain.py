"""Whether explanations of matches add up, and point at the thing that matched.

    python benchmarks/explain.py [--encoder lite] [--json]

On all photos of the sample shop that show one of its products, with that product's best picture.
Scores are those of a search in an index of all catalogue pictures. A share is that of the positive
contributions inside the product's true box, each cell counted with the part of its area that is in
it; the box's share of what the encoder saw is given beside it, which is what blind paint would
have. Goals: the largest error 1e-3, shares on photos of several products .80.

The photo is searched whole; or the product's box, as when a shopper chooses an object; or both
joined, as when it is found to be the main subject. Contributions are those to the score (plain),
and to the lead over the ten best other products (lead), which is what is painted.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.encoders.files import LIMITS
from shopsight.images.boxes import Box
from shopsight.images.crops import square_around, square_cut
from shopsight.images.prepare import decode, to_pixels
from shopsight.index.base import Records
from shopsight.index.collection import Collection, open_collection
from shopsight.index.versions import IndexManifest
from shopsight.regions.base import Region
from shopsight.sample_shop import ROOT
from shopsight.search.explaining.cells import PictureCells, joined_cells, picture_cells
from shopsight.search.explaining.contributions import Contributions, Explanation, explain_cells
from shopsight.search.explaining.scoring import Scoring
from shopsight.search.explaining.sight import sight
from shopsight.search.focus import Focus
from shopsight.search.photos import looks
from shopsight.search.weights import focuses, part_weights

ERROR_GOAL, SHARE_GOAL = 1e-3, 0.80
RIVALS = 10
HALF_A_CELL = 0.5
KINDS = ("single", "multi")


class Shown(NamedTuple):
    """A product on a photo."""

    photo: str
    kind: str
    product: str
    box: Box


class Picture(NamedTuple):
    """A catalogue picture."""

    name: str
    product: str
    cells: PictureCells


def shown() -> Iterator[Shown]:
    """All main products on the sample shop's photos."""
    with (ROOT / "photos.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["role"] == "main":
                box = Box(*(float(row[side]) for side in Box._fields))
                yield Shown(row["photo"], row["kind"], row["id"], box)


def opened(name: str) -> Image.Image:
    """A picture of the sample shop, decoded."""
    return decode((ROOT / name).read_bytes(), LIMITS)


def seen(encoder: Encoder, image: Image.Image, box: Box | None = None) -> PictureCells:
    """Cells of a picture, or of the square around a box, as searches look at them."""
    preprocessing = encoder.spec.preprocessing
    shown_part = image if box is None else square_cut(image, box)
    where = (
        sight(preprocessing, image.size)
        if box is None
        else sight(preprocessing, image.size, square_around(image.size, box))
    )
    return picture_cells(encoder, to_pixels(shown_part, preprocessing)[None], [where])[0]


def catalogue(encoder: Encoder) -> list[Picture]:
    """All catalogue pictures."""
    names = sorted(f"images/{path.name}" for path in (ROOT / "images").glob("*.jpg"))
    return [
        Picture(name, Path(name).stem.partition("_")[0], seen(encoder, opened(name)))
        for name in names
    ]


def indexed(encoder: Encoder, pictures: Sequence[Picture], folder: str) -> Collection:
    """An index of the catalogue pictures, named by their numbers."""
    spec = encoder.spec
    manifest = IndexManifest(
        name="v0001",
        encoder=spec.name,
        fingerprint=spec.fingerprint,
        dimension=spec.dimension,
    )
    collection = open_collection(manifest, store="exact", uri=folder, fields={}, create=True)
    vectors = np.stack([picture.cells.vector for picture in pictures])
    ids = [str(number) for number in range(len(pictures))]
    products = [picture.product for picture in pictures]
    collection.upsert(Records(ids, products, vectors, [{}] * len(ids)))
    return collection


class Answer(NamedTuple):
    """What a search says of the true product, and its explanations."""

    score: float
    plain: Explanation
    lead: Explanation


def answer(
    encoder: Encoder,
    collection: Collection,
    pictures: Sequence[Picture],
    asked: tuple[PictureCells, str],
    focus: Focus = Focus.BALANCED,
) -> Answer:
    """Search for a photo, and explain the true product's best picture."""
    query, product = asked
    weights = part_weights(encoder.spec, query.vector, focus)
    found = collection.search(query.vector, len(pictures), weights=weights)
    place = next(k for k, one in enumerate(found.product_ids) if one == product)
    best: dict[str, int] = {}
    for key, one in zip(found.ids, found.product_ids, strict=True):
        best.setdefault(one, int(key))
    others = [number for one, number in best.items() if one != product][:RIVALS]
    rivals = np.stack([pictures[number].cells.vector for number in others])
    matched = pictures[int(found.ids[place])].cells
    scoring = Scoring(weights=weights)
    return Answer(
        float(found.scores[place]),
        explain_cells(encoder.spec, query, matched, scoring),
        explain_cells(encoder.spec, query, matched, scoring, rivals=rivals),
    )


def error(found: Answer) -> float:
    """How far the farthest sum is from the score of the search."""
    sums = [
        side.base + float(side.cells.sum(dtype=np.float64))
        for explanation in (found.plain, found.lead)
        for side in (explanation.query, explanation.product)
    ]
    sums += [sum(explanation.parts.values()) for explanation in (found.plain, found.lead)]
    return max(abs(one - found.score) for one in sums)


def inside(picture: Contributions, box: Box, tolerance: float = 0.0) -> NDArray[np.float64]:
    """Share of each cell's area that lies in a box, widened by so many cells on each side."""
    boxes = picture.boxes
    x1, y1, x2, y2 = picture.sight.square
    dx = tolerance * (x2 - x1) / picture.cells.shape[1]
    dy = tolerance * (y2 - y1) / picture.cells.shape[0]
    wide = np.minimum(boxes[..., 2], box.x2 + dx) - np.maximum(boxes[..., 0], box.x1 - dx)
    high = np.minimum(boxes[..., 3], box.y2 + dy) - np.maximum(boxes[..., 1], box.y1 - dy)
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    shared = wide.clip(0) * high.clip(0)
    return np.asarray(np.divide(shared, areas, out=np.zeros_like(areas), where=areas > 0))


def shares(found: Answer, box: Box) -> dict[str, float]:
    """Shares of positive contributions inside a box."""
    result = {}
    for name, explanation in (("plain", found.plain), ("lead", found.lead)):
        positive = np.maximum(explanation.query.cells, 0)
        for label, tolerance in (("", 0.0), (" +1/2 cell", HALF_A_CELL)):
            covered = inside(explanation.query, box, tolerance)
            result[name + label] = float((positive * covered).sum() / positive.sum())
    boxes = found.plain.query.boxes
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    result["area"] = float((areas * inside(found.plain.query, box)).sum() / areas.sum())
    return result


def measure(encoder: Encoder) -> Iterator[dict[str, object]]:
    """Figures: errors by focus, then shares by kind of photo and way of searching."""
    pictures = catalogue(encoder)
    errors: dict[str, float] = defaultdict(float)
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        collection = indexed(encoder, pictures, str(Path(folder) / "index"))
        for one in shown():
            image = opened(one.photo)
            whole, part = seen(encoder, image), seen(encoder, image, one.box)
            (_, rest), (around, share) = looks(None, Region(one.box, 1.0))
            both = joined_cells([whole, seen(encoder, image, around)], [rest, share])
            for way, query in (("whole", whole), ("box", part), ("whole and box", both)):
                for focus in focuses(encoder.spec):
                    told = answer(encoder, collection, pictures, (query, one.product), focus)
                    errors[focus] = max(errors[focus], error(told))
                    if focus is Focus.BALANCED:
                        found[one.kind, way].append(shares(told, one.box))
        collection.close()
    for name, largest in errors.items():
        yield {"focus": name, "largest error": largest, "goal": ERROR_GOAL}
    for (kind, way), rows in found.items():
        if kind in KINDS:
            means = {
                name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]
            }
            goal = {"goal": SHARE_GOAL} if kind == "multi" else {}
            yield {"photos": kind, "searched": way, "products": len(rows), **means, **goal}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.encoder)
    for figures in measure(encoder):
        print(json.dumps(figures) if arguments.json else figures, flush=True)
    encoder.close()


if __name__ == "__main__":
    main()
