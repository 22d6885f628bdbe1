"""Names of implementations, and how to load just the one that is asked for.

Built-in implementations are import strings, so that choosing one never imports the others. Packages
add their own through entry points of the group ``shopsight.<kind>``, where the kind is
``encoders``, ``stores`` or ``feeds``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from shopsight.errors import SettingsError

BUILT_IN: dict[str, dict[str, str]] = {
    "encoders": {
        "lite": "shopsight.encoders.onnx:load_lite",
        "thumbnail": "shopsight.testing.fakes:ThumbnailEncoder",
        "two-part": "shopsight.testing.fakes:TwoPartEncoder",
        "speaking": "shopsight.testing.speaking:SpeakingEncoder",
    },
    "stores": {
        "lance": "shopsight.index.lance:LanceStore",
        "exact": "shopsight.index.exact:ExactStore",
    },
    "feeds": {
        "google": "shopsight.catalog.google_feed:GoogleFeed",
        "shopify": "shopsight.catalog.shopify_feed:ShopifyFeed",
        "woocommerce": "shopsight.catalog.woocommerce_feed:WooCommerceFeed",
        "jsonld": "shopsight.catalog.jsonld_feed:JsonLdFeed",
        "table": "shopsight.catalog.table_feed:TableFeed",
    },
}
"""Kind -> name -> ``module:attribute``. Feeds are tried in this order when a format is detected."""


def names(kind: str) -> list[str]:
    """All names of a kind: the built-in ones in their order, then those of installed plug-ins."""
    return list(_targets(kind))


def load(kind: str, name: str) -> Any:
    """The attribute that a name stands for.

    Args:
        kind: ``encoders``, ``stores`` or ``feeds``.
        name: As listed by :func:`names`.

    Raises:
        SettingsError: No implementation has this name; the message lists those that exist.
    """
    targets = _targets(kind)
    try:
        module, _, attribute = targets[name].partition(":")
    except KeyError:
        known = ", ".join(targets)
        raise SettingsError(f"{name!r} is not one of the {kind} here: {known}") from None
    return getattr(import_module(module), attribute)


def _targets(kind: str) -> dict[str, str]:
    found = {entry.name: entry.value for entry in entry_points(group=f"shopsight.{kind}")}
    return BUILT_IN[kind] | found
