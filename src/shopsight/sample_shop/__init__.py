"""The sample shop: 149 invented products with pictures and shopper photos, all CC0. The demo and the tests use it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""Folder with ``catalog.csv``, ``images/``, ``photos.csv``, ``photos/`` and the rest (see its README.md)."""
