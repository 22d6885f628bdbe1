"""The sample shop: 149 invented products with pictures and shopper photos, all CC0."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""Folder with ``catalog.csv``, ``images/``, ``photos.csv``, ``photos/`` and a README.md."""
