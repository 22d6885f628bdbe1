from __future__ import annotations

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

OpenPage = Callable[..., Page]

HOSTILE = '<img src=x onerror=alert(1)><b>Bold</b> & "quoted"'
MUG = "Kavoa Fjord dipped mug, sage"

TRANSFER = """
([kind, target, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector(target).dispatchEvent(event);
}
"""


PREPARE = """
async ([data, type]) => {
  const { prepare } = await import("./static/store/photo.js");
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const sent = new Uint8Array(await (await prepare(new Blob([bytes], { type }))).arrayBuffer());
  return btoa(Array.from(sent, (byte) => String.fromCharCode(byte)).join(""));
}
"""


FOCUSED = """
[document.activeElement].map((one) =>
  one.ariaLabel || one.id || one.textContent.trim() || one.querySelector("img").alt)[0]
"""

WORDS = """
async () => {
  const { WORDS } = await import("./static/shared/i18n.js");
  await import("./static/store/texts.js");
  return WORDS;
}
"""


def send(page: Page, kind: str, photo: Path, target: str = "body") -> None:
    """Drop or paste a file, as the browser itself would tell the page."""
    data = base64.b64encode(photo.read_bytes()).decode()
    page.evaluate(TRANSFER, [kind, target, photo.name, "image/jpeg", data])


def first_title(page: Page) -> str:
    """Title of the first result."""
    page.wait_for_selector("product-card")
    return page.locator("product-card h3").first.text_content() or ""


@pytest.fixture
def mug(sample_shop: Path) -> Path:
    """The catalogue picture of the sage mug."""
    return sample_shop / "images" / "MUG001.jpg"


def test_a_chosen_file_is_found(open_page: OpenPage, mug: Path) -> None:
    """Choosing a photo shows its product first, with picture, price, availability and address."""
    page = open_page()
    page.set_input_files("#photo", mug)
    assert first_title(page) == MUG
    card = page.locator("product-card").first
    expect(card).to_contain_text("€14.90")
    expect(card).to_contain_text("In stock")
    expect(card).to_contain_text("Kavoa", ignore_case=True)
    assert (card.locator("a").get_attribute("href") or "").endswith("/p/MUG001")
    card.locator("img").evaluate("(image) => image.decode()")
    expect(page.locator("photo-drop figure img")).to_be_visible()


def test_a_dropped_file_is_found(open_page: OpenPage, mug: Path) -> None:
    """A photo may be dropped anywhere; a veil shows so while it is above the page."""
    page = open_page()
    send(page, "dragenter", mug, "footer")
    expect(page.locator("body")).to_have_class("dragging")
    send(page, "drop", mug, "footer")
    expect(page.locator("body")).not_to_have_class("dragging")
    assert first_title(page) == MUG


def test_a_pasted_picture_is_found(open_page: OpenPage, mug: Path) -> None:
    """A photo in the clipboard is searched for when it is pasted."""
    page = open_page()
    send(page, "paste", mug)
    assert first_title(page) == MUG


def test_a_sample_photo_is_found(open_page: OpenPage) -> None:
    """A click on a sample photo shows its product first, and the next click the next one's."""
    page = open_page()
    page.locator("sample-photos button").nth(0).click()
    assert first_title(page) == MUG
    page.locator("sample-photos button").nth(3).click()
    expect(page.locator("product-card h3").first).not_to_contain_text(MUG)


def prepared(page: Page, photo: Path) -> bytes:
    """What the page sends for a photo."""
    data = base64.b64encode(photo.read_bytes()).decode()
    sent: str = page.evaluate(PREPARE, [data, "image/jpeg"])
    return base64.b64decode(sent)


def test_large_photos_are_made_smaller_and_upright(
    open_page: OpenPage, sample_shop: Path, tmp_path: Path
) -> None:
    """A photo of 3000 x 2000 pixels that lies on its side is sent upright, 1024 pixels high."""
    large = tmp_path / "large.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    with Image.open(sample_shop / "photos" / "MUG001_a.jpg") as image:
        image.resize((3000, 2000)).save(large, exif=exif, quality=95)
    page = open_page()
    with Image.open(BytesIO(prepared(page, large))) as image:
        assert (image.format, image.size) == ("JPEG", (683, 1024))
        assert not image.getexif()
    page.set_input_files("#photo", large)
    page.wait_for_selector("product-card")


def test_small_photos_are_sent_as_they_are(open_page: OpenPage, mug: Path) -> None:
    """A photo that is small enough is not compressed a second time."""
    assert prepared(open_page(), mug) == mug.read_bytes()


def test_what_the_browser_cannot_read_is_sent_as_it_is(open_page: OpenPage, tmp_path: Path) -> None:
    """HEIC photos, which this browser cannot open, reach the server whole."""
    heic = tmp_path / "photo.heic"
    heic.write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(2000))
    assert prepared(open_page(), heic) == heic.read_bytes()


def test_a_text_file_gets_a_human_message(open_page: OpenPage, tmp_path: Path) -> None:
    """A text named .jpg is explained in words, in the language in use, and announced."""
    text = tmp_path / "photo.jpg"
    text.write_text("This is no photo.")
    page = open_page(expected="422")
    page.set_input_files("#photo", text)
    note = page.locator("search-results .note")
    expect(note).to_contain_text("This file is not a photo")
    expect(page.get_by_role("status")).to_contain_text("This file is not a photo")
    page.get_by_role("button", name="中文").click()
    expect(note).to_contain_text("这个文件不是照片")


def test_a_server_that_is_gone_can_be_asked_again(open_page: OpenPage, mug: Path) -> None:
    """Without a connection the page says so, and tries again when asked to."""
    page = open_page(expected="ERR_FAILED")
    page.route("**/v1/search", lambda route: route.abort())
    page.set_input_files("#photo", mug)
    expect(page.locator("search-results .note")).to_contain_text("cannot be reached")
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Try again").click()
    assert first_title(page) == MUG


def test_a_busy_server_is_explained(open_page: OpenPage, mug: Path) -> None:
    """Answers of a proxy, which are no problem details, get words too."""
    page = open_page(expected="502")
    page.route("**/v1/search", lambda route: route.fulfill(status=502, body="Bad Gateway"))
    page.set_input_files("#photo", mug)
    expect(page.locator("search-results .note")).to_contain_text("cannot answer at the moment")


def test_an_empty_answer_is_explained(open_page: OpenPage, mug: Path) -> None:
    """When nothing is found, the page says what helps."""
    page = open_page()
    empty = {"query_id": "1", "hits": [], "total": 0, "timings_ms": {}}
    page.route("**/v1/search", lambda route: route.fulfill(json=empty))
    page.set_input_files("#photo", mug)
    expect(page.locator("search-results .note")).to_contain_text("Nothing found")


def test_while_it_searches_it_shows_so(open_page: OpenPage, mug: Path) -> None:
    """Until the answer comes, empty cards are shown and the region is marked as busy."""
    page = open_page()
    held: list[Route] = []
    page.route("**/v1/search", lambda route: held.insert(0, route))
    with page.expect_request("**/v1/search"):
        page.set_input_files("#photo", mug)
    expect(page.locator(".skeleton").first).to_be_visible()
    expect(page.locator("search-results")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status")).to_contain_text("Looking through the shop")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    assert first_title(page) == MUG
    expect(page.locator("search-results")).not_to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status")).to_contain_text("24 products found")


def test_the_newest_photo_wins(open_page: OpenPage, sample_shop: Path, mug: Path) -> None:
    """A slow answer to an earlier photo does not replace that to the latest one."""
    page = open_page()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        held.append(route)

    page.route("**/v1/search", hold_the_first)
    with page.expect_request("**/v1/search"):
        page.set_input_files("#photo", sample_shop / "images" / "CHA034.jpg")
    page.set_input_files("#photo", mug)
    assert first_title(page) == MUG
    page.wait_for_timeout(200)
    assert first_title(page) == MUG


def test_more_products_can_be_shown(open_page: OpenPage, mug: Path) -> None:
    """The button adds the next products behind the first, without repeating any."""
    page = open_page()
    page.set_input_files("#photo", mug)
    expect(page.locator("product-card")).to_have_count(24)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("product-card")).to_have_count(48)
    links = page.locator("product-card a").evaluate_all("(all) => all.map((a) => a.href)")
    assert len(set(links)) == len(links)
    assert first_title(page) == MUG


def test_chinese_is_spoken_and_remembered(open_page: OpenPage, mug: Path) -> None:
    """The switch turns everything Chinese, titles and prices too, and stays after a reload."""
    page = open_page()
    page.set_input_files("#photo", mug)
    assert first_title(page) == MUG
    page.get_by_role("button", name="中文").click()
    card = page.locator("product-card").first
    expect(card).to_contain_text("Kavoa 峡湾撞色马克杯")
    expect(card).to_contain_text("有货")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.reload()
    expect(page.locator("h1")).to_have_text("拍照找同款")


def test_the_browsers_language_is_spoken_first(open_page: OpenPage) -> None:
    """Chinese browsers get Chinese, others English."""
    expect(open_page("zh-TW").locator("h1")).to_have_text("拍照找同款")
    expect(open_page("fr-FR").locator("h1")).to_have_text("Find it with a photo")


def test_all_words_exist_in_both_languages(open_page: OpenPage) -> None:
    """No key is shown in place of words: both languages have the same keys, none empty."""
    page = open_page()
    languages = page.evaluate(WORDS)
    assert languages["en"].keys() == languages["zh"].keys()
    assert all(all(words.values()) for words in languages.values())


def test_without_colours_there_is_no_choice(open_page: OpenPage, mug: Path) -> None:
    """Where the encoder cannot tell shape and colour apart, the page does not offer to."""
    page = open_page()
    with page.expect_response("**/v1/search/options"):
        page.reload()
    page.set_input_files("#photo", mug)
    assert first_title(page) == MUG
    expect(page.locator("focus-switch")).to_be_hidden()


def test_titles_stay_text(open_page: OpenPage, sample_shop: Path) -> None:
    """A title with markup is shown letter for letter, in the results and on its page."""
    page = open_page()
    page.set_input_files("#photo", sample_shop / "images" / "MUG002.jpg")
    assert first_title(page) == HOSTILE
    card = page.locator("product-card").first
    assert card.locator("h3 a *").count() == 0
    card.locator("h3 a").click()
    expect(page.locator("product-page h1")).to_have_text(HOSTILE)
    expect(page.get_by_role("link", name="View in the shop")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard(open_page: OpenPage) -> None:
    """Tab reaches the skip link, the language, photo, words and samples; Enter works."""
    page = open_page()
    seen: list[str] = []
    while not seen or not seen[-1].startswith("Sample photo"):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        assert len(seen) < 20
    assert seen[0] == "Skip to the search"
    assert {"中文", "Use dark colours", "photo", "words", "Search", "Sample photo 1"} <= set(seen)
    page.keyboard.press("Enter")
    page.wait_for_selector("product-card")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out(open_page: OpenPage, mug: Path, width: int) -> None:
    """On no screen from 320 pixels on must shoppers scroll sideways."""
    page = open_page(viewport={"width": width, "height": 700})
    too_wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(too_wide)
    page.set_input_files("#photo", mug)
    page.wait_for_selector("product-card")
    assert not page.evaluate(too_wide)


def test_the_page_loads_nothing_from_elsewhere(open_page: OpenPage, address: str) -> None:
    """Scripts, styles and pictures come from the server itself, under a strict policy."""
    page = open_page()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert loaded
    assert all(link.startswith(address) for link in loaded)
    policy = httpx.get(address).headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
