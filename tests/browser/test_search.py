from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from shopsight.index.filters import evaluate, parse

OpenPage = Callable[..., Page]

WAIT = 15_000
FILTER_TEXT = (
    "(chosen) => import('./static/store/question.js').then((one) => one.filterText(chosen))"
)


@pytest.fixture
def mug(sample_shop: Path) -> Path:
    """The catalogue picture of the sage mug."""
    return sample_shop / "images" / "MUG001.jpg"


@pytest.fixture
def several(sample_shop: Path) -> Path:
    """A photo with a lamp, a mug and a book."""
    return sample_shop / "photos" / "multi_02.jpg"


def found(page: Page) -> None:
    """Wait until the search that runs is answered."""
    page.locator("search-results:not([aria-busy]) > :first-child").wait_for()


def look_for(page: Page, words: str) -> None:
    """Search with words."""
    page.fill("#words", words)
    page.keyboard.press("Enter")
    found(page)


def show(page: Page, photo: Path) -> None:
    """Search with a photo."""
    page.set_input_files("#photo", photo)
    found(page)


def asks(page: Page, act: Callable[[], object]) -> dict[str, Any]:
    """What a search that this starts sends as JSON."""
    with page.expect_request("**/v1/search") as sent:
        act()
    found(page)
    fields: dict[str, Any] = json.loads(sent.value.post_data or "")
    return fields


def show_with(page: Page, photo: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Search with a photo, and answer as the server does, but for a change."""
    with page.expect_response("**/v1/search") as answered:
        page.set_input_files("#photo", photo)
    answer = answered.value.json()
    change(answer)
    page.route("**/v1/search", lambda route: route.fulfill(json=answer))
    show(page, photo)


def test_words_alone_find_products(open_page: OpenPage) -> None:
    """Words without a photo are answered; cleared, the page is as it was at first."""
    page = open_page()
    look_for(page, "terracotta mug")
    expect(page.locator("product-card h3").first).to_contain_text("terracotta")
    expect(page.get_by_role("heading", name="What fits your words")).to_be_visible()
    expect(page.locator("product-card .likeness")).to_have_count(0)
    expect(page.get_by_role("button", name="Why?")).to_have_count(0)
    page.get_by_role("button", name="Clear the words").click()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("product-card")).to_have_count(0)


def test_words_change_what_the_photo_asks_for(open_page: OpenPage, mug: Path) -> None:
    """Words beside a photo narrow its hits; a chip that is taken away no longer does."""
    page = open_page()
    show(page, mug)
    sent = asks(page, lambda: look_for(page, "this but in terracotta"))
    assert sent["text"] == "this but in terracotta"
    assert sent["image_id"]
    heading = page.get_by_role("heading", name="What fits your photo and your words")
    expect(heading).to_be_visible()
    chips = page.locator("word-chips .chip")
    expect(chips).to_have_count(1)
    sent = asks(page, page.get_by_role("button", name="Remove terracotta").click)
    assert len(sent["ignore"]) == 1
    expect(chips).to_have_count(0)
    expect(page.locator("#words")).to_be_focused()


def test_a_photo_can_be_taken_away(open_page: OpenPage, mug: Path) -> None:
    """Without its photo, the question is its words; a new photo comes without the old words."""
    page = open_page()
    show(page, mug)
    look_for(page, "terracotta mug")
    page.get_by_role("button", name="Remove the photo").click()
    expect(page.get_by_role("heading", name="What fits your words")).to_be_visible(timeout=WAIT)
    expect(page.locator("photo-objects")).to_be_hidden()
    show(page, mug)
    expect(page.locator("#words")).to_have_value("")


def test_an_object_is_chosen_on_the_photo(open_page: OpenPage, several: Path) -> None:
    """Boxes lie on the photo, are reached with the keyboard, and search for what is in them."""
    page = open_page()
    show(page, several)
    boxes = page.locator(".object")
    count = boxes.count()
    assert count > 1
    expect(boxes.first).to_have_accessible_name(f"Object 1 of {count}")
    other = page.locator(".object[aria-pressed=false]").first
    name = other.get_attribute("aria-label") or ""
    other.focus()
    sent = asks(page, lambda: page.keyboard.press("Enter"))
    assert set(sent["box"]) == {"x1", "y1", "x2", "y2"}
    expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name=name)).to_be_focused()
    sent = asks(page, page.get_by_role("button", name="Whole photo").click)
    assert sent["regions"] is False
    assert "box" not in sent
    expect(page.locator(".object[aria-pressed=true]")).to_have_count(0)
    expect(boxes).to_have_count(count)


@pytest.mark.parametrize("width", [390, 1280])
def test_boxes_lie_where_the_objects_are(open_page: OpenPage, several: Path, width: int) -> None:
    """On a small and a large screen, a box takes the place on the picture that the API named."""
    page = open_page(viewport={"width": width, "height": 800})
    with page.expect_response("**/v1/search") as answered:
        page.set_input_files("#photo", several)
    box = answered.value.json()["objects"][0]["box"]
    found(page)
    picture = page.locator(".stage img").bounding_box()
    drawn = page.locator(".object").first.bounding_box()
    assert picture is not None
    assert drawn is not None
    left = picture["x"] + box["x1"] * picture["width"]
    assert drawn["x"] == pytest.approx(left, abs=2)
    assert drawn["width"] == pytest.approx((box["x2"] - box["x1"]) * picture["width"], abs=2)


def test_what_the_shop_has_not_is_said(open_page: OpenPage, mug: Path) -> None:
    """Where nothing matches, the heading says so, to those who listen too."""
    page = open_page()
    show_with(page, mug, lambda answer: answer.update(no_match=True))
    words = "Nothing in this shop is what your photo shows"
    expect(page.locator("search-results h2")).to_contain_text(words)
    expect(page.get_by_role("status").first).to_contain_text(words)


def test_hits_say_whether_they_are_the_thing(open_page: OpenPage, mug: Path) -> None:
    """The same item has a badge with its confidence, similar ones and changed ones have none."""
    page = open_page()

    def judge(answer: dict[str, Any]) -> None:
        for hit in answer["hits"]:
            hit.update(match="similar", confidence=0.001)
        answer["hits"][0].update(match="same_item", confidence=0.97)

    show_with(page, mug, judge)
    badge = page.locator(".badge")
    expect(badge).to_have_count(1)
    expect(badge).to_contain_text("Same item")
    expect(badge).to_have_attribute("title", "Confidence: 97%")
    look_for(page, "this but in terracotta")
    expect(badge).to_have_count(0)


def test_a_facet_narrows(open_page: OpenPage, mug: Path) -> None:
    """A kind of product leaves as many hits as its count says; clearing brings back the others."""
    page = open_page()
    show(page, mug)
    page.get_by_role("button", name="Filter").click()
    value = page.locator("fieldset", has_text="Kind").locator("label", has_text="Mugs")
    count = int(value.locator("small").inner_text())
    sent = asks(page, value.locator("input").check)
    assert sent["filter"] == '`product_type` IN ("Kitchen > Mugs")'
    expect(page.locator("product-card")).to_have_count(count)
    box = page.get_by_role("checkbox", name="Mugs")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    expect(page.locator("facet-panel .active")).to_contain_text("Mugs")
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("product-card")).to_have_count(24)


def test_prices_narrow_and_sort(open_page: OpenPage) -> None:
    """The slider narrows to a range of prices, and the dearest come first when asked for."""
    page = open_page()
    look_for(page, "mug")
    page.get_by_role("button", name="Filter").click()
    highest = page.get_by_role("slider", name="Highest price")
    most = float(highest.get_attribute("max") or "")
    sent = asks(page, lambda: highest.fill("12"))
    assert sent["filter"] == "((`price` <= 12))"
    prices = page.locator("product-card .price strong").all_inner_texts()
    assert prices
    assert all(float(price.removeprefix("€")) <= 12 for price in prices)
    expect(page.locator("facet-panel .active")).to_contain_text("up to €12")
    sent = asks(page, lambda: highest.fill(str(most)))
    assert "filter" not in sent
    sent = asks(page, lambda: page.get_by_label("Sort by").select_option("Highest price"))
    assert sent["sort"] == "-price"


def test_filters_mean_what_was_chosen(open_page: OpenPage) -> None:
    """Whatever is in a value, quotes and signs too, the filter passes it and not another."""
    page = open_page()
    values = ['19" rack', "it's", "back\\slash", "two\nlines", "a AND b", "`tick`", "深蓝色"]
    for value in values:
        chosen = {"brand": [value, "Kavoa"], "price": [{"low": 10, "high": 20.5}]}
        where = parse(page.evaluate(FILTER_TEXT, chosen))
        assert evaluate(where, {"brand": value, "price": 10})
        assert evaluate(where, {"brand": "Kavoa", "price": 20.5})
        assert not evaluate(where, {"brand": value, "price": 20.6})
        assert not evaluate(where, {"brand": value + "x", "price": 10})


def test_a_hit_is_explained(open_page: OpenPage, mug: Path) -> None:
    """The dialog shows both pictures; Escape closes it, and the focus goes back."""
    page = open_page()
    show(page, mug)
    button = page.get_by_role("button", name="Why?").nth(1)
    title = (button.get_attribute("aria-label") or "").removeprefix("Why?: ")
    button.click()
    dialog = page.get_by_role("dialog", name=f"Why {title}?")
    expect(dialog.get_by_role("img", name="Your photo")).to_be_visible(timeout=WAIT)
    expect(dialog.get_by_role("img", name="In the shop")).to_be_visible()
    expect(dialog).to_contain_text("Looks like it")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_more_like_a_product(open_page: OpenPage, mug: Path) -> None:
    """A product takes the place of the photo, and is not among what is like it."""
    page = open_page()
    show(page, mug)
    title = "Kavoa Fjord dipped mug, sage"
    sent = asks(page, page.get_by_role("button", name=f"More like this: {title}").click)
    assert sent["product_id"] == "MUG001"
    expect(page.get_by_role("heading", name=f"More like {title}")).to_be_visible()
    expect(page.get_by_role("img", name=title)).to_be_visible()
    expect(page.locator("product-card h3", has_text=title)).to_have_count(0)


def test_a_video_says_when_products_are_seen(open_page: OpenPage, sample_shop: Path) -> None:
    """A clip is taken as a photo is; each hit names its second."""
    page = open_page()
    expect(page.locator("#photo")).to_have_attribute(
        "accept", "image/*,.heic,.heif,.avif,video/*,.mp4,.webm,.mov"
    )
    show(page, sample_shop / "video" / "desk.mp4")
    expect(page.locator(".badge").first).to_contain_text("Seen at 0:0")
    expect(page.get_by_role("heading", name="What your video shows")).to_be_visible()
    expect(page.locator("facet-panel")).to_be_hidden()


def test_a_forgotten_photo_is_sent_again(open_page: OpenPage, mug: Path) -> None:
    """When the server no longer has the photo, the page sends it once more, unasked."""
    page = open_page(expected="404")
    show(page, mug)
    sent: list[Request] = []

    def forget(route: Route) -> None:
        sent.append(route.request)
        if "image_id" in (route.request.post_data_buffer or b"").decode("latin-1"):
            route.fulfill(status=404, json={"reason": "not_found", "status": 404})
        else:
            route.continue_()

    page.route("**/v1/search", forget)
    look_for(page, "mug")
    expect(page.locator("product-card").first).to_be_visible()
    assert len(sent) == 2
    assert b'name="text"' in (sent[1].post_data_buffer or b"")


def test_the_search_speaks_chinese(open_page: OpenPage, several: Path) -> None:
    """The field, the boxes, the filters, the order and the dialog have Chinese words."""
    page = open_page("zh-CN")
    expect(page.get_by_role("textbox", name="用文字搜索")).to_be_visible()
    show(page, several)
    expect(page.get_by_role("textbox", name="用文字补充要求")).to_be_visible()
    expect(page.get_by_role("button", name="物品 1")).to_be_visible()
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_role("group", name="类别")).to_be_visible()
    expect(page.get_by_label("排序")).to_be_visible()
    page.get_by_role("button", name="为什么").first.click()
    expect(page.get_by_role("dialog").get_by_role("img", name="店里的商品")).to_be_visible(
        timeout=WAIT
    )


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_sticks_out_of_a_full_page(open_page: OpenPage, several: Path, width: int) -> None:
    """With boxes, chips, filters and the dialog open, nobody has to scroll sideways."""
    page = open_page(viewport={"width": width, "height": 700})
    show(page, several)
    look_for(page, "this but in terracotta, without stripes, under 40 EUR")
    page.get_by_role("button", name="Filter").click()
    too_wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(too_wide)
    page.get_by_role("button", name="Remove terracotta").click()
    found(page)
    page.get_by_role("button", name="Why?").first.click()
    page.locator(".pair img").first.wait_for()
    assert not page.evaluate(too_wide)
