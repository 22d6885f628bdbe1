"""Render catalogue pictures and shopper photos to train on. See RENDERS.md for the commands."""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import renders_art
import renders_designs
from PIL import Image

RENDERER = Path(__file__).resolve().parent.parent / "sample_shop"
sys.path.insert(0, str(RENDERER))

from sample_shop import (  # noqa: E402  # its folder is on the path from here on
    artwork,
    materials,
    photo_finish,
    products,
    scenes,
    shots,
)

BRANDS = 90
PHOTO_LONGER_SIDE = 480
COMPANION_SHARE, GROUP_SHARE = 0.4, 0.15
BENT = ("mug", "vase", "bowl", "bottle", "plant", "lamp")
TABLES = {
    "products": ("id", "group", "category", "image"),
    "pairs": ("photo", "id", "group", "category", "role", "x1", "y1", "x2", "y2"),
}
PLAIN_BUILD = products.build
PLAIN_SET = materials.Graph.set


def model(design: renders_designs.Design) -> products.Product:
    """The design as the sample shop's builders want it."""
    return products.Product(
        id=design.id,
        category=design.category,
        shape=design.shape,
        hex=design.colors[0],
        hex2=design.colors[1],
        deco=design.deco,
        brand=design.brand,
        text=design.text,
        note=design.note,
        seed=design.seed,
        feed={
            "description": f"{design.text}. {design.note}",
            "stretch": " ".join(map(str, design.stretch)),
            "bend": " ".join(map(str, design.bend)),
        },
    )


def build(product: products.Product, studio: artwork.Studio) -> Any:
    """Model a product as the sample shop does, then stretch it and bend its outline."""
    from mathutils import Matrix

    root = PLAIN_BUILD(product, studio)
    width, depth, height = (float(v) for v in product.feed["stretch"].split())
    taper, wave, speed, phase = (float(v) for v in product.feed["bend"].split())
    scale = Matrix.Diagonal((width, depth, height, 1.0))
    for part in root.children:
        if product.category in BENT and part.type == "MESH" and part.matrix_local.is_identity:
            count = len(part.data.vertices)
            points = np.empty(count * 3, np.float32)
            part.data.vertices.foreach_get("co", points)
            points = points.reshape(-1, 3)
            at = points[:, 2]
            factor = 1 + taper * (np.clip(at, 0, 1.1) - 0.5) + wave * np.sin(speed * at + phase)
            points[:, :2] *= factor[:, None]
            part.data.vertices.foreach_set("co", points.ravel())
            part.data.update()
        part.matrix_local = scale @ part.matrix_local
    return root


def set_inputs(graph: materials.Graph, node: Any, **inputs: Any) -> None:
    """As the sample shop's, but Blender 5 calls the socket "Fac" "Factor"."""
    names = {socket.name.lower().replace(" ", "_") for socket in node.inputs}
    if "fac" in inputs and "fac" not in names:
        inputs["factor"] = inputs.pop("fac")
    PLAIN_SET(graph, node, **inputs)


def orientation(side: int, rng: np.random.Generator, wide: bool) -> tuple[int, int]:
    """Width and height of a photo with a longer side of ``side``."""
    short = int(side * int(rng.choice([320, 360, 360, 400])) / PHOTO_LONGER_SIDE)
    return (side, short) if wide else (short, side)


def install(seed: int, side: int) -> list[str]:
    """Put our artwork, models and sizes in place of the sample shop's; returns the brands."""
    brands = renders_designs.invent_brands(seed, BRANDS, set(artwork.BRANDS))
    renders_art.install(artwork, brands)
    materials.Graph.set = set_inputs
    scenes.build = build
    scenes._orientation = lambda rng, wide: orientation(side, rng, wide)  # noqa: SLF001
    return list(brands)


class Tables:
    """CSV files to which finished pictures are added at once, one of each kind per shard."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.paths = {name: folder / f"{name}{suffix}.csv" for name in TABLES}
        self.keys: set[str] = set()
        for name, path in self.paths.items():
            if not path.exists():
                self.append(name, [TABLES[name]])
            with path.open(newline="", encoding="utf-8") as file:
                self.keys.update(row[0] for row in csv.reader(file))

    def finished(self, key: str, path: Path) -> bool:
        """Whether a picture and its rows were written before."""
        return key in self.keys and path.exists()

    def append(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Add rows to a table and close it."""
        with self.paths[name].open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


def pool(category: str, earlier: list[renders_designs.Design]) -> list[renders_designs.Design]:
    """Designs that may stand beside one of a category, by the sample shop's rule."""
    floor = category in ("chair", "stool", "table")
    names = shots.FLOOR_SET if floor else shots.TABLETOP
    return [d for d in earlier if d.category in names and d.category != category]


def plan(
    design: renders_designs.Design, earlier: list[renders_designs.Design], seed: int, turn: int
) -> scenes.Shot:
    """One photo of a design: alone, with a companion behind it, or in a row with others."""
    rng = np.random.default_rng([seed, 4, design.seed, turn, ord(design.id[-1])])
    name = f"{design.id}_{turn + 1}"
    others = pool(design.category, earlier)
    shot_seed = int(rng.integers(1_000_000_000))
    kind = rng.random()
    if others and turn and kind < GROUP_SHARE and design.category not in products.FLAT:
        chosen = {
            others[int(k)].category: others[int(k)] for k in rng.integers(len(others), size=2)
        }
        subjects = (design, *list(chosen.values()))
        return scenes.Shot(name, "multi", shot_seed, tuple(model(d) for d in subjects))
    beside = ()
    if others and kind < GROUP_SHARE + COMPANION_SHARE:
        beside = (model(others[int(rng.integers(len(others)))]),)
    return scenes.Shot(name, "single", shot_seed, (model(design),), beside)


class Renderer:
    """Renders designs into a folder and keeps its tables."""

    def __init__(self, args: argparse.Namespace, suffix: str) -> None:
        self.args = args
        self.tables = Tables(args.out, suffix)
        self.work = args.work / f"shard{suffix}"
        self.art = artwork.Studio(self.work / "art")
        self.groups: dict[str, renders_designs.Design] = {}

    def catalogue(self, design: renders_designs.Design) -> bool:
        """Render the catalogue picture unless there is one; returns whether it did."""
        path = self.args.out / "images" / f"{design.id}.jpg"
        if self.tables.finished(design.id, path):
            return False
        scenes.studio(
            model(design), self.art, False, self.args.threads, self.args.samples, self.args.side
        )
        picture = scenes.render(self.work / "picture.png")
        photo_finish.save_jpeg(scenes.finish_studio(picture), path, 88)
        row = (design.id, design.group, design.category, f"images/{path.name}")
        self.tables.append("products", [row])
        return True

    def photo(self, shot: scenes.Shot) -> bool:
        """Render a photo and note the boxes in it, unless there is one; returns whether it did."""
        path = self.args.out / "photos" / f"{shot.name}.jpg"
        if self.tables.finished(f"photos/{path.name}", path):
            return False
        found, rng = scenes.shopper_photo(shot, self.art, self.args.threads, self.args.samples)
        picture = finish_photo(scenes.render(self.work / "picture.png"), rng)
        photo_finish.save_jpeg(picture, path, int(rng.integers(66, 84)))
        rows = []
        for product, role, box in found:
            design = self.groups[product]
            head = (f"photos/{path.name}", product, design.group, design.category, role)
            rows.append((*head, *box))
        self.tables.append("pairs", rows)
        return True

    def run(self, designs: list[list[renders_designs.Design]]) -> None:
        """All pictures of the designs, design by design; prints seconds per picture."""
        earlier: list[renders_designs.Design] = []
        started, done = time.monotonic(), 0
        for variants in designs:
            for design in variants:
                self.groups[design.id] = design
                done += self.catalogue(design)
                for turn in range(self.args.photos):
                    done += self.photo(plan(design, earlier, self.args.seed, turn))
                mean = (time.monotonic() - started) / max(done, 1)
                print(f"{design.id} {done} pictures, {mean:.2f} s each", flush=True)
            earlier.append(variants[0])


def finish_photo(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Phone camera's faults, at the sample shop's size so that blur and noise are as coarse."""
    width, height = picture.size
    factor = PHOTO_LONGER_SIDE / max(width, height)
    large = picture.resize(
        (math.ceil(width * factor), math.ceil(height * factor)), Image.Resampling.BICUBIC
    )
    return photo_finish.degrade(large, rng, gentle=False).resize(
        (width, height), Image.Resampling.BOX if factor == 1 else Image.Resampling.LANCZOS
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for pictures and tables")
    parser.add_argument("--work", type=Path, default=Path("out/renders"), help="textures")
    parser.add_argument("--products", type=int, default=700)
    parser.add_argument("--photos", type=int, default=2, help="photos per product")
    parser.add_argument("--seed", type=int, default=90210)
    parser.add_argument("--side", type=int, default=320, help="longer side in pixels")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--shard", default="0/1", help="0/2 and 1/2 share the designs")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    part, count = (int(v) for v in args.shard.split("/"))
    brands = install(args.seed, args.side)
    args.out.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(args, f"-{part}" if count > 1 else "")
    renderer.run(renders_designs.make_designs(args.seed, args.products, brands)[part::count])


if __name__ == "__main__":
    main()
