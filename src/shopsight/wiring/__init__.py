"""Puts the parts together: the only place that knows which implementation plays which role."""

from __future__ import annotations

from shopsight.wiring.indexed import IndexInfo
from shopsight.wiring.options import SearchOptions
from shopsight.wiring.shop import Shop

__all__ = ["IndexInfo", "SearchOptions", "Shop"]
