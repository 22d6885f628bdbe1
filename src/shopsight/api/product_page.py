"""What a product's page says before any script has run: for sharing, crawlers, first sight."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urljoin

from shopsight.api.pictures import shown
from shopsight.catalog.product import Availability, Product
from shopsight.catalog.reviews import Review, ReviewSummary

_SUMMARY = 200
"""Characters of the description that previews of the page show."""

_SCHEMA_AVAILABILITY = {
    Availability.IN_STOCK: "InStock",
    Availability.OUT_OF_STOCK: "OutOfStock",
    Availability.PREORDER: "PreOrder",
    Availability.BACKORDER: "BackOrder",
}


def page_path(product_id: str) -> str:
    """Path of a product's page below the server's root."""
    return f"p/{quote(product_id, safe='')}"


def head(product: Product, summary: ReviewSummary, reviews: Sequence[Review], *, base: str) -> str:
    """Elements of the document's head: description, preview, address, and schema.org's JSON-LD.

    Args:
        product: The product.
        summary: Of its reviews.
        reviews: Some of them.
        base: Address of the server; ends with a slash.
    """
    seen = shown(product, root=base.rstrip("/"))
    address = base + page_path(product.id)
    picture = urljoin(base, seen.image_link)
    about = " ".join(product.description.split())[:_SUMMARY]
    tags = [
        f'<link rel="canonical" href="{escape(address)}">',
        _meta("name", "description", about),
        _meta("property", "og:type", "product"),
        _meta("property", "og:title", product.title),
        _meta("property", "og:description", about),
        _meta("property", "og:url", address),
        _meta("property", "og:image", picture),
        _meta("name", "twitter:card", "summary_large_image"),
    ]
    data = _json_ld(
        product, summary, reviews, address, [urljoin(base, link) for link in seen.image_links]
    )
    # No text of a feed may end the script element.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    tags.append(f'<script type="application/ld+json">{text}</script>')
    return "\n    ".join(filter(None, tags))


def content(product: Product) -> str:
    """What is read of the product until the script has drawn all of it."""
    price = product.current_price
    cost = f"<p>{price.amount} {escape(price.currency)}</p>" if price else ""
    return (
        f'<article class="plain-product"><h1 dir="auto">{escape(product.title)}</h1>{cost}'
        f'<p dir="auto">{escape(product.description)}</p></article>'
    )


def _meta(kind: str, name: str, text: str) -> str:
    return f'<meta {kind}="{name}" content="{escape(text)}">' if text else ""


def _json_ld(
    product: Product,
    summary: ReviewSummary,
    reviews: Sequence[Review],
    address: str,
    pictures: Sequence[str],
) -> dict[str, Any]:
    """The product as https://schema.org/Product."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": address,
        "name": product.title,
        "sku": product.id,
        "image": list(pictures),
        "description": product.description,
        "gtin": product.gtin,
        "mpn": product.mpn,
        "category": product.product_type,
        "inProductGroupWithID": product.item_group_id,
        "brand": {"@type": "Brand", "name": product.brand} if product.brand else None,
        "color": product.attributes.get("color"),
        "material": product.attributes.get("material"),
        "size": product.attributes.get("size"),
        "offers": _offer(product, address),
        "aggregateRating": _rating(product, summary),
        "review": [_review(one) for one in reviews],
    }
    return {name: value for name, value in data.items() if value}


def _offer(product: Product, address: str) -> dict[str, Any] | None:
    price = product.current_price
    if price is None:
        return None
    offer = {
        "@type": "Offer",
        "url": product.link or address,
        "price": str(price.amount),
        "priceCurrency": price.currency,
    }
    if product.availability is not None:
        offer["availability"] = f"https://schema.org/{_SCHEMA_AVAILABILITY[product.availability]}"
    return offer


def _rating(product: Product, summary: ReviewSummary) -> dict[str, Any] | None:
    """Of the reviews here; without any, as the feed says."""
    count, rating = summary.count, summary.rating
    if not count:
        count, rating = product.review_count or 0, product.rating
    if not count or rating is None:
        return None
    return {"@type": "AggregateRating", "ratingValue": round(rating, 2), "reviewCount": count}


def _review(review: Review) -> dict[str, Any]:
    data: dict[str, Any] = {
        "@type": "Review",
        "reviewRating": {"@type": "Rating", "ratingValue": review.rating},
        "name": review.title,
        "reviewBody": review.review,
        "author": {"@type": "Person", "name": review.reviewer} if review.reviewer else None,
        "datePublished": review.created_at.date().isoformat() if review.created_at else None,
    }
    return {name: value for name, value in data.items() if value}
