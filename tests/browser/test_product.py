from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, Request, expect

OpenPage = Callable[..., Page]

MUG = "Kavoa Fjord dipped mug, sage"

LISTEN = """() => {
  window.told = [];
  navigator.sendBeacon = (address, body) => {
    body.text().then((text) => window.told.push(text));
    return address.endsWith("/v1/events");
  };
}"""


def test_a_hit_opens_and_back_leads_to_the_results(open_page: OpenPage, sample_shop: Path) -> None:
    """A product has an address; going back shows the same results, without asking again."""
    page = open_page()
    page.evaluate(LISTEN)
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    page.locator("product-card h3 a").first.click()
    expect(page.locator("product-page h1")).to_have_text(MUG)
    expect(page).to_have_url(re.compile(r"/p/MUG001$"))
    expect(page).to_have_title(f"{MUG} · Shopsight")
    link = page.get_by_role("link", name="View in the shop")
    expect(link).to_have_attribute("href", "https://shop.example/p/MUG001")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.locator(".related product-card")).to_have_count(6)
    asked: list[Request] = []
    page.on("request", lambda request: request.url.endswith("/v1/search") and asked.append(request))
    page.get_by_role("button", name="Back to the results").click()
    expect(page.locator("search-results product-card").first).to_contain_text(MUG)
    expect(page.locator("product-page")).to_be_hidden()
    assert asked == []
    events = [json.loads(text)["events"][0] for text in page.evaluate("window.told")]
    assert [event["type"] for event in events] == ["product_click", "product_view"]
    assert all(event["position"] == 1 and event["query_id"] for event in events)


def test_a_product_is_told_without_scripts(address: str) -> None:
    """The document itself names the product, for those who share it and for crawlers."""
    document = httpx.get(f"{address}/p/MUG001").text
    assert f"<title>{MUG} · Shopsight</title>" in document
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', document)
    data = json.loads(text)
    assert (data["@type"], data["sku"], data["name"]) == ("Product", "MUG001", MUG)
    assert data["offers"]["price"] == "14.90"
    assert data["offers"]["availability"] == "https://schema.org/InStock"
    assert httpx.get(data["image"][0]).status_code == 200
    assert httpx.get(data["@id"]).status_code == 200


def test_a_title_cannot_end_the_script(address: str) -> None:
    """Markup in a title stays text, in the head, in JSON-LD, and in the body."""
    document = httpx.get(f"{address}/p/MUG002").text
    assert "<img src=x" not in document
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', document)
    assert json.loads(text)["name"].startswith("<img src=x onerror=alert(1)>")


def test_an_unknown_product_is_said_to_be_gone(open_page: OpenPage, address: str) -> None:
    """The address of a product that is not there answers 404, calmly, with a way to the search."""
    assert httpx.get(f"{address}/p/none").status_code == 404
    page = open_page(expected="404")
    page.goto(f"{address}/p/none")
    expect(page.get_by_role("heading", name="This product is not here")).to_be_visible()
    page.get_by_role("button", name="Back to the search").click()
    expect(page.locator("h1", has_text="Find it with a photo")).to_be_visible()


def test_reviews_are_shown(open_page: OpenPage, address: str) -> None:
    """Figures, stars and words of the reviews are on the product's page, more of them on demand."""
    page = open_page()
    page.goto(f"{address}/p/BOT009")
    reviews = page.locator("product-reviews")
    expect(reviews.get_by_role("heading", name="Reviews")).to_be_visible()
    expect(reviews).to_contain_text("7 reviews")
    expect(reviews.locator("li")).to_have_count(5)
    expect(reviews.locator("li").first).to_contain_text("<b>Good</b>")
    reviews.get_by_role("button", name="More reviews").click()
    expect(reviews.locator("li")).to_have_count(7)
    data = httpx.get(f"{address}/p/BOT009").text
    assert '"reviewCount": 7' in data
