"""The sample shop: 149 invented products with pictures and shopper photos, all CC0."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""Folder with ``catalog.csv``, ``images/``, ``photos.csv``, ``photos/`` and a README.md."""

SAMPLE_PHOTOS: tuple[Path, ...] = tuple(
    ROOT / "photos" / f"{name}.jpg"
    for name in (
        *("MUG007_a", "LAM029_a", "BOT016_a", "TOT077_a"),
        *("multi_02", "CUS071_a", "HEA100_a", "PHO149_a"),
    )
)
"""Shopper photos that the demo offers: one per kind of product, of those answered rightly, and one
of three things.

They show what an answer looks like, not how often it is right: see ``docs/quality.md``.
"""
