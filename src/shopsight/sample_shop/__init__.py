"""The sample shop: 149 invented products with pictures and shopper photos, all CC0."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""Folder with ``catalog.csv``, ``images/``, ``photos.csv``, ``photos/`` and a README.md."""

SAMPLE_PHOTOS: tuple[Path, ...] = tuple(
    ROOT / "photos" / f"{name}_a.jpg"
    for name in ("MUG007", "LAM029", "BOT016", "TOT077", "CUS071", "HEA100", "PHO149", "VAS023")
)
"""Shopper photos that the demo offers: one per kind of product, of those answered rightly.

They show what an answer looks like, not how often it is right: see ``docs/quality.md``.
"""
