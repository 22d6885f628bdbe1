"""Search results as HTML, for notebooks."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image

from shopsight.errors import ImageError
from shopsight.images.prepare import ImageLimits, decode, read_local
from shopsight.search.query import Hit, SearchResult

SIDE = 128
"""Pixels of the longer side of a picture."""

_CARD = "display:inline-block;width:150px;margin:4px;vertical-align:top;font:12px sans-serif"


def as_html(result: SearchResult) -> str:
    """A result as a row of pictures with titles, prices and scores.

    Pictures that are files come along as thumbnails; those on the web are linked to. One that
    cannot be had is left out.

    Args:
        result: Of a search.
    """
    said = "<p>Nothing here is what the photo shows. Similar products:</p>"
    chips = "".join(f"<code>{escape(chip.label)}</code> " for chip in result.chips)
    cards = "".join(_card(hit) for hit in result.hits)
    return f"<div>{said if result.no_match else ''}{chips}<div>{cards}</div></div>"


def _card(hit: Hit) -> str:
    price = hit.product.current_price
    sure = "" if hit.confidence is None else f", {hit.confidence:.0%} sure"
    source = _source(hit.image_location)
    picture = (
        f'<img src="{escape(source)}" style="max-width:{SIDE}px;max-height:{SIDE}px" alt=""><br>'
        if source
        else ""
    )
    cost = f"{price.amount:,.2f} {price.currency}<br>" if price else ""
    return (
        f'<div style="{_CARD}">{picture}<b>{escape(hit.product.title)}</b><br>{cost}'
        f"{hit.score:.3f}{sure}</div>"
    )


def _source(location: str) -> str:
    if location.lower().startswith(("http://", "https://")):
        return location
    limits = ImageLimits()
    try:
        image = decode(read_local(Path(location), limits), limits, target_side=SIDE)
    except ImageError:
        return ""
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
