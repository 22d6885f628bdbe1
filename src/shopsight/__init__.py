"""Shopsight: visual search that an online shop runs itself.

::

    from shopsight import Shop, load_encoder

    with Shop.open("shopsight-data") as shop:
        shop.index("feed.csv")
        for hit in shop.search("photo.jpg").hits:
            print(hit.product.title, hit.score)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopsight.encoders import load_encoder
    from shopsight.wiring import Shop

__all__ = ["Shop", "__version__", "load_encoder"]
__version__ = "0.1.0"

_HOMES = {"Shop": "shopsight.wiring", "load_encoder": "shopsight.encoders"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `shopsight --help` must not wait for numpy and the vector store.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
