"""Prepare the drawings of Open Clip Art as pictures to learn from.

python clipart.py OUT --package FOLDER

FOLDER is where Debian's package ``openclipart-png`` lies, such as ``/usr/share/openclipart/png``.
Its drawings were given to the public domain. Flags, icon themes, playing cards, mere shapes and
the unsorted specials are left out, and so is whatever is copied, tiny or empty.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
from PIL import Image

LONGEST_SIDE = 288
MARGIN = 1.12
LEFT_OUT = frozenset({"flags", "icons", "cards", "semaphore", "shapes", "special"})


def on_white(path: Path) -> Image.Image | None:
    """A drawing in the middle of a white square; ``None``: it cannot be read, or shows nothing."""
    try:
        drawing = Image.open(path).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    if min(drawing.size) < 40:
        return None
    drawing.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    width, height = drawing.size
    side = int(max(width, height) * MARGIN)
    page = Image.new("RGB", (side, side), "white")
    page.paste(drawing, ((side - width) // 2, (side - height) // 2), drawing)
    return page if np.asarray(page).min(axis=2).std() >= 8 else None


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--package", type=Path, default=Path("/usr/share/openclipart/png"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    seen: set[bytes] = set()
    for path in sorted(arguments.package.rglob("*.png")):
        parts = path.relative_to(arguments.package).parts
        if path.is_symlink() or LEFT_OUT.intersection(parts):
            continue
        page = on_white(path)
        if page is None:
            continue
        digest = hashlib.sha256(page.tobytes()).digest()
        if digest not in seen:
            seen.add(digest)
            page.save(arguments.out / "__".join(parts))
    print(f"{len(seen)} drawings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
