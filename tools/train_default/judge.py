"""Figures of an encoder's ONNX file on photos it has not learnt from, and on other shops.

    python judge.py MODEL.onnx ... --data PICTURES --shop src/shopsight/sample_shop

Prints one row per figure and one column per model. Sample shop and mixed: nothing of them is learnt
from. Grocery: photos not learnt from, of products that are (``seen``) and that are not (``left
out``). Clothing: photos of the senders held out, compared with each other across senders. Luma:
learnt from, so only a check that nothing got worse.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import sources
from numpy.typing import NDArray
from PIL import Image, ImageOps

Vectors = NDArray[np.float32]
Names = NDArray[np.str_]
Embed = Callable[[NDArray[np.uint8]], Vectors]

SIZE = 260


def prepare(path: Path, box: sources.Box | None = None) -> NDArray[np.uint8]:
    """The middle square of a picture, or of a box in it."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    width, height = picture.size
    x1, y1, x2, y2 = box or (0, 0, 1, 1)
    left, top, right, bottom = x1 * width, y1 * height, x2 * width, y2 * height
    side = min(right - left, bottom - top)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    middle = (x, y, x + side, y + side)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=middle))


def embedder(path: Path, output: str = "embedding", threads: int = 2) -> Embed:
    """What encodes pictures with a model file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([output], {"pixels": pixels})[0]


def encode(embed: Embed, jobs: Iterable[tuple[Path, sources.Box | None]]) -> Vectors:
    """Unit rows for pictures or boxes in them."""
    with ThreadPoolExecutor(2) as pool:
        found = [embed(pixels[None])[0] for pixels in pool.map(lambda job: prepare(*job), jobs)]
    rows = np.stack(found)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def recall(scores: Vectors, gallery: Names, wanted: Names, k: int) -> float:
    """Share of rows with the wanted name among the first k."""
    first = np.argsort(-scores, axis=1)[:, :k]
    return float((gallery[first] == wanted[:, None]).any(axis=1).mean())


def nearest_other(vectors: Vectors, names: Names, apart: Names) -> float:
    """Share whose nearest neighbour, of those with another ``apart``, has the same name.

    Only those count that have such a neighbour at all.
    """
    scores = vectors @ vectors.T
    scores[apart[:, None] == apart[None]] = -np.inf
    alike = (names[:, None] == names[None]) & (apart[:, None] != apart[None])
    possible = alike.any(axis=1)
    return float((names[scores.argmax(axis=1)] == names)[possible].mean())


def precision_of_ranking(vectors: Vectors, names: Names, apart: Names) -> float:
    """Mean average precision of the same name among those with another ``apart``."""
    scores = vectors @ vectors.T
    found = []
    for row, name, group in zip(scores, names, apart, strict=True):
        others = np.flatnonzero(apart != group)
        right = (names[others] == name)[np.argsort(-row[others])]
        if right.any():
            found.append(float((np.cumsum(right) / (np.arange(len(right)) + 1))[right].mean()))
    return float(np.mean(found))


def shop_figures(embed: Embed, shop: Path) -> dict[str, float]:
    """Sample shop: photos of single products to products, whole and by the true box."""
    products = list(sources.rows(shop / "catalog.csv"))
    gallery = encode(embed, ((shop / row["image_link"], None) for row in products))
    names = np.array([row["id"] for row in products])
    photos = [
        row
        for row in sources.rows(shop / "photos.csv")
        if row["kind"] == "single" and row["role"] == "main"
    ]
    wanted = np.array([row["id"] for row in photos])
    found = {}
    boxes = [sources.Box(*(float(row[side]) for side in sources.Box._fields)) for row in photos]
    for how, cuts in (("whole", [None] * len(photos)), ("box", boxes)):
        jobs = ((shop / row["photo"], cut) for row, cut in zip(photos, cuts, strict=True))
        scores = encode(embed, jobs) @ gallery.T
        for k in (1, 5):
            found[f"sample shop, {how}: R@{k}"] = recall(scores, names, wanted, k)
    return found


def grocery_figures(embed: Embed, data: Path) -> dict[str, float]:
    """Grocery: validation photos to iconic pictures."""
    folder = data / "grocery"
    products = list(sources.rows(folder / "products.csv"))
    gallery = encode(embed, ((folder / row["image_link"], None) for row in products))
    names = np.array([row["id"] for row in products])
    photos = list(sources.rows(folder / "photos_val.csv"))
    wanted = np.array([row["product_id"] for row in photos])
    scores = encode(embed, ((folder / row["photo"], None) for row in photos)) @ gallery.T
    out = np.array([sources.held_out_product(name) for name in wanted])
    found = {f"grocery val: R@{k}": recall(scores, names, wanted, k) for k in (1, 10)}
    found["grocery val, seen: R@1"] = recall(scores[~out], names, wanted[~out], 1)
    found["grocery val, left out: R@1"] = recall(scores[out], names, wanted[out], 1)
    return found


def clothing_figures(embed: Embed, data: Path) -> dict[str, float]:
    """Clothing: photos of unseen senders, across senders."""
    folder = data / "clothing"
    photos = [
        row for row in sources.rows(folder / "photos.csv") if sources.held_out_sender(row["sender"])
    ]
    vectors = encode(embed, ((folder / row["photo"], None) for row in photos))
    labels = np.array([row["label"] for row in photos])
    senders = np.array([row["sender"] for row in photos])
    return {
        "clothing, unseen senders: 1-NN": nearest_other(vectors, labels, senders),
        "clothing, unseen senders: mAP": precision_of_ranking(vectors, labels, senders),
    }


def catalogue_figures(embed: Embed, data: Path) -> dict[str, float]:
    """Luma and mixed: products of the same style, type and category."""
    found = {}
    for shop in ("luma", "mixed"):
        folder = data / shop
        products = list(sources.rows(folder / "catalog.csv"))
        vectors = encode(embed, ((folder / row["image_link"], None) for row in products))
        own = np.array([row["id"] for row in products])
        types = np.array([row["product_type"] for row in products])
        if shop == "luma":
            styles = np.array([row["item_group_id"] for row in products])
            found["luma, same style: 1-NN"] = nearest_other(vectors, styles, own)
            found["luma, other style, same type: 1-NN"] = nearest_other(vectors, types, styles)
            found["luma, other style, same type: mAP"] = precision_of_ranking(
                vectors, types, styles
            )
        else:
            found["mixed, same category: 1-NN"] = nearest_other(vectors, types, own)
            found["mixed, same category: mAP"] = precision_of_ranking(vectors, types, own)
    return found


def figures(embed: Embed, data: Path, shop: Path) -> dict[str, float]:
    """All figures by name."""
    return (
        shop_figures(embed, shop)
        | grocery_figures(embed, data)
        | clothing_figures(embed, data)
        | catalogue_figures(embed, data)
    )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shop", type=Path, required=True)
    arguments = parser.parse_args()
    columns = []
    for path in arguments.models:
        columns.append(figures(embedder(path), arguments.data, arguments.shop))
        print(f"measured {path}", file=sys.stderr)
    print(f"{'':44}" + "".join(f"{path.stem:>14}" for path in arguments.models))
    for name in columns[0]:
        print(f"{name:44}" + "".join(f"{column[name]:14.3f}" for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
