"""Render photos of several invented products in a row, with the box of each.

    .venv-render/bin/python tools/train_regions/render_rows.py out/rows [--photos 250]

Models, light and camera are those of ``tools/train_default/renders.py``, whose environment this
needs; designs come from a seed of their own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

RENDERS = Path(__file__).resolve().parent.parent / "train_default"
sys.path.insert(0, str(RENDERS))

import renders  # noqa: E402  # its folder is on the path from here on
import renders_designs  # noqa: E402  # as above
from sample_shop import products, scenes, shots  # noqa: E402  # as above

FLOOR_SHARE = 0.25
MOST = 4


def row(
    designs: list[renders_designs.Design], rng: np.random.Generator, number: int
) -> scenes.Shot:
    """A photo of two to four designs of different categories that may stand beside each other."""
    names = shots.FLOOR_SET if rng.random() < FLOOR_SHARE else shots.TABLETOP
    pool = [d for d in designs if d.category in names and d.category not in products.FLAT]
    chosen: dict[str, renders_designs.Design] = {}
    wanted = int(rng.integers(2, MOST + 1))
    while len(chosen) < wanted:
        design = pool[rng.integers(len(pool))]
        chosen.setdefault(design.category, design)
    subjects = tuple(renders.model(design) for design in chosen.values())
    return scenes.Shot(f"row_{number:03d}", "multi", int(rng.integers(10**9)), subjects)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="folder for pictures and tables")
    parser.add_argument("--work", type=Path, default=Path("out/renders"), help="textures")
    parser.add_argument("--photos", type=int, default=250)
    parser.add_argument("--seed", type=int, default=40417)
    parser.add_argument("--side", type=int, default=320, help="longer side in pixels")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    brands = renders.install(args.seed, args.side)
    args.out.mkdir(parents=True, exist_ok=True)
    renderer = renders.Renderer(args, "")
    variants = renders_designs.make_designs(args.seed, args.photos, brands)
    designs = [first for first, *_ in variants]
    renderer.groups = {design.id: design for design in designs}
    rng = np.random.default_rng([args.seed, 5])
    for number in range(args.photos):
        renderer.photo(row(designs, rng, number))
        print(f"{number + 1} of {args.photos} photos", flush=True)


if __name__ == "__main__":
    main()
