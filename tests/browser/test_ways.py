from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

OpenPage = Callable[..., Page]


def give(answer: dict[str, Any], route: Route) -> None:
    """Answer a request."""
    route.fulfill(json=answer)


def found(page: Page) -> None:
    """Wait until the search that runs is answered."""
    page.locator("search-results:not([aria-busy]) > :first-child").wait_for()


def box_sent(page: Page, act: Callable[[], object]) -> dict[str, Any]:
    """The box and the photo of the search that an act starts."""
    with page.expect_request("**/v1/search") as sent:
        act()
    found(page)
    fields: dict[str, Any] = json.loads(sent.value.post_data or "")
    return fields


def test_a_crop_searches_at_once(open_page: OpenPage, sample_shop: Path) -> None:
    """A part that is drawn by mouse, moved by keys, or sized by a handle is searched for."""
    page = open_page()
    page.set_input_files("#photo", sample_shop / "photos" / "multi_02.jpg")
    found(page)
    page.get_by_role("button", name="Crop").click()
    area = page.locator("photo-crop").bounding_box()
    assert area is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return area["x"] + x * area["width"], area["y"] + y * area["height"]

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(*at(*start))
        page.mouse.down()
        page.mouse.move(*at(*end), steps=4)
        page.mouse.up()

    sent = box_sent(page, lambda: drag((0.55, 0.9), (0.85, 0.4)))
    assert sent["image_id"]
    drawn = {"x1": 0.55, "y1": 0.4, "x2": 0.85, "y2": 0.9}
    assert all(abs(sent["box"][side] - share) < 0.02 for side, share in drawn.items())
    frame = page.get_by_role("group", name="Part of the photo")
    expect(frame).to_be_focused()
    moved = box_sent(page, lambda: frame.press("ArrowLeft"))["box"]
    assert abs(moved["x1"] - (sent["box"]["x1"] - 0.02)) < 0.001
    sized = box_sent(page, lambda: frame.press("Shift+ArrowUp"))["box"]
    assert abs(sized["y2"] - (moved["y2"] - 0.02)) < 0.001
    assert sized["y1"] == moved["y1"]
    pulled = box_sent(page, lambda: drag((moved["x1"], sized["y1"]), (0.2, 0.1)))["box"]
    assert abs(pulled["x1"] - 0.2) < 0.02
    assert abs(pulled["y2"] - sized["y2"]) < 0.001
    assert box_sent(page, page.get_by_role("button", name="Whole photo").click)["regions"] is False
    expect(page.locator("photo-crop")).to_have_count(0)


def test_a_link_is_searched_for(open_page: OpenPage) -> None:
    """The address of a picture is sent to the server; what is no address is explained in place."""
    page = open_page(expected="ERR_NAME_NOT_RESOLVED")
    answer = {"query_id": "1", "hits": [], "total": 0, "timings_ms": {}}
    page.route("**/v1/search", lambda route: route.fulfill(json=answer))
    page.get_by_role("button", name="Paste a link").click()
    field = page.get_by_role("textbox", name="Address of a picture")
    expect(field).to_be_focused()
    field.fill("javascript:alert(1)")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("no address of a picture")
    field.fill("https://shop.example/mug.jpg")
    with page.expect_request("**/v1/search") as sent:
        field.press("Enter")
    assert json.loads(sent.value.post_data or "")["image_url"] == "https://shop.example/mug.jpg"


def test_a_camera_that_is_denied_is_explained(open_page: OpenPage) -> None:
    """Without the permission a calm message names the way on, and the page stays as it was."""
    page = open_page()
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("toast-list")).to_contain_text("choose a photo")
    expect(page.locator("h1", has_text="Find it with a photo")).to_be_visible()
    expect(page.locator("live-camera")).to_be_hidden()


def test_the_visit_is_remembered_in_the_tab(open_page: OpenPage, sample_shop: Path) -> None:
    """Earlier searches are offered again, after a reload too, until they are cleared."""
    page = open_page()
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    found(page)
    page.get_by_role("button", name="Search again: Your photo").wait_for()
    page.fill("#words", "terracotta")
    page.keyboard.press("Enter")
    found(page)
    page.get_by_role("button", name="Search again: terracotta").wait_for()
    page.reload()
    again = page.get_by_role("button", name="Search again: terracotta")
    expect(again).to_have_count(1)
    again.click()
    expect(page.get_by_role("heading", name="your photo and your words")).to_be_visible()
    expect(page.locator("#words")).to_have_value("terracotta")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("visit-history")).to_be_hidden()


def test_the_search_goes_on_when_the_network_is_back(
    open_page: OpenPage, sample_shop: Path
) -> None:
    """Offline, the page says so; back online, it asks again by itself."""
    page = open_page(expected="ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    expect(page.locator("toast-list")).to_contain_text("You are offline")
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    expect(page.locator("search-results .note")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    expect(page.locator("product-card").first).to_be_visible()


def test_a_double_click_asks_once_more_at_most(open_page: OpenPage) -> None:
    """Two quick clicks end in one answer; the first search is given up."""
    page = open_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda one: one.url.endswith("/v1/search") and finished.append(one))
    page.locator("sample-photos button").first.dblclick()
    found(page)
    expect(page.locator("product-card")).to_have_count(24)
    assert len(finished) <= 2


def test_odd_products_are_shown(open_page: OpenPage, sample_shop: Path) -> None:
    """Titles of 500 letters, right-to-left titles, and products without price or picture fit in."""
    page = open_page(expected="404", viewport={"width": 390, "height": 800})
    with page.expect_response("**/v1/search") as answered:
        page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    answer = answered.value.json()
    odd = [
        {"title": "Mug " * 125},
        {"title": "كوب أزرق كبير"},
        {"price": None, "sale_price": None},
        {},
    ]
    for hit, change in zip(answer["hits"], odd, strict=False):
        hit["product"].update(change)
    answer["hits"][3].update(image_url="/v1/products/none/images/0", thumbnail=None)
    page.route("**/v1/search", lambda route: route.fulfill(json=answer))
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    cards = page.locator("product-card")
    expect(cards.nth(1)).to_contain_text("كوب أزرق كبير")
    assert cards.nth(1).locator("h3").evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    expect(cards.nth(2).locator(".price")).to_have_count(0)
    cards.nth(3).scroll_into_view_if_needed()
    expect(cards.nth(3).locator(".picture .icon")).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_colours_are_chosen_and_remembered(open_page: OpenPage) -> None:
    """The switch turns dark pages light and back; it is remembered before the first paint."""
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Use light colours").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Use dark colours").click()
    assert page.evaluate(ground) == dark
    assert page.evaluate("localStorage.getItem('shopsight.theme')") is None


def test_what_is_recognised_has_links(open_page: OpenPage, sample_shop: Path) -> None:
    """A brand leads to its site, unless that is no link; what is unknown has no card."""
    page = open_page()
    answers = {
        "recognize": {"product": None, "unknown": True, "confidence": 0.2},
        "brand": {
            "brands": [
                {"name": "Kavoa", "website": "https://kavoa.example", "confidence": 0.95},
                {"name": "Bad", "website": "javascript:alert(1)", "confidence": 0.9},
            ]
        },
        "classify": {"path": "Kitchen > Mugs", "confidence": 0.93},
    }
    for name, answer in answers.items():
        page.route(f"**/v1/{name}", partial(give, answer))
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    cards = page.get_by_role("list", name="What was recognised").locator("li")
    expect(cards).to_have_count(3)
    site = cards.nth(0).get_by_role("link", name="To the brand's site")
    expect(site).to_have_attribute("href", "https://kavoa.example/")
    expect(cards.nth(1).get_by_role("link")).to_have_count(0)
    expect(cards.nth(2)).to_contain_text("Mugs")


def test_where_nothing_is_recognised_it_is_said(open_page: OpenPage, sample_shop: Path) -> None:
    """An unknown thing gets one card that says so: nothing below it jumps into its place."""
    page = open_page()
    answers = {
        "recognize": {"product": None, "unknown": True, "confidence": 0.2},
        "brand": {"brands": []},
        "classify": {"path": None, "confidence": 0.1},
    }
    for name, answer in answers.items():
        page.route(f"**/v1/{name}", partial(give, answer))
    page.set_input_files("#photo", sample_shop / "images" / "MUG001.jpg")
    cards = page.get_by_role("list", name="What was recognised").locator("li")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("Nothing for certain")
