from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.browser.conftest import chromium, watch

from shopsight.api.demo_shop import DemoShop, demo_shop
from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.settings import Settings
from shopsight.wiring import Shop

OpenPage = Callable[..., Page]

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"]
HOSTILE = "<img src=x onerror=alert(1)><b>Zebra</b>"
MUG = "Kavoa Fjord dipped mug, sage"
HEIC = Path(__file__).parents[1] / "images" / "files" / "blue_red.heic"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, with a camera that shows a test pattern."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_of_shop(sample_shop: Path) -> Iterator[DemoShop]:
    """A shop's page on an origin of its own, under a strict policy."""
    with demo_shop(sample_shop) as page:
        yield page


@pytest.fixture(scope="module")
def search(
    page_of_shop: DemoShop, sample_shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """Address of the search server that the page names, and headers of an administrator."""
    data = tmp_path_factory.mktemp("widget") / "data"
    settings = Settings(
        data=data,
        encoder="thumbnail",
        threads=1,
        calibrate=False,
        cors_origins=[page_of_shop.address],
    )
    with Shop.open(settings=settings) as shop:
        shop.index(sample_shop / "catalog.csv")
        hostile = {"title": HOSTILE, "link": "javascript:alert(1)", "brand": HOSTILE, "price": None}
        shop.put_products([shop.catalog.one("PHO149").model_copy(update=hostile)])
        _, secret = KeyStore(shop.database).create("tests")
        with serving(shop) as address:
            page_of_shop.search = address
            yield address, {"X-API-Key": secret}


@pytest.fixture
def open_shop(
    browser: Browser, page_of_shop: DemoShop, search: tuple[str, dict[str, str]]
) -> Iterator[OpenPage]:
    """Opens the shop's page; fails if the console showed an error, such as of the policy."""
    assert search
    contexts = []
    trouble: list[str] = []

    def open_one(
        query: str = "", *, expected: str = "", camera: bool = False, **options: Any
    ) -> Page:
        context = browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
        contexts.append(context)
        if camera:
            context.grant_permissions(["camera"], origin=page_of_shop.address)
        page = context.new_page()
        page.set_default_timeout(15_000)

        def note(text: str) -> None:
            if not expected or not re.search(expected, text):
                trouble.append(text)

        watch(page, note, warnings=True)
        page.goto(page_of_shop.address + query)
        page.locator(".goods img").first.wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture(scope="module")
def large_photo(sample_shop: Path) -> bytes:
    """The mug's picture as a phone would send it: large, and with notes of where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "Secret Phone"
    target = io.BytesIO()
    with Image.open(sample_shop / "images" / "MUG001.jpg") as image:
        image.resize((2600, 2600)).save(target, "JPEG", exif=exif)
    return target.getvalue()


def camera_button(page: Page) -> Locator:
    """The widget's button in the search field."""
    return page.get_by_role("button", name="Search with a photo")


def open_panel(page: Page) -> Locator:
    """Open the panel."""
    camera_button(page).click()
    panel = page.get_by_role("dialog", name="Find it with a photo")
    expect(panel).to_be_visible()
    return panel


def give(
    page: Page, photo: bytes | Path, name: str = "photo.jpg", kind: str = "image/jpeg"
) -> None:
    """Choose a file."""
    field = page.locator("shopsight-widget input[type=file]").first
    if isinstance(photo, Path):
        field.set_input_files(photo)
    else:
        field.set_input_files({"name": name, "mimeType": kind, "buffer": photo})


def titles(page: Page) -> Locator:
    """Names of the products found."""
    return page.locator("shopsight-widget .hits .name")


def status(page: Page) -> Locator:
    """What the panel says of the search."""
    return page.locator("shopsight-widget").get_by_role("status")


def test_a_photo_finds_the_product_and_the_click_is_reported(
    open_shop: OpenPage, search: tuple[str, dict[str, str]], large_photo: bytes
) -> None:
    """From a page of another origin: photo, results, the shop's view of one; the click counts."""
    page = open_shop()
    page.evaluate(
        """() => {
            const ask = window.fetch;
            window.fetch = (address, options) => {
                if (options?.body instanceof FormData) window.sent = options.body.get("image");
                return ask(address, options);
            };
        }"""
    )
    open_panel(page)
    give(page, large_photo)
    expect(titles(page).first).to_have_text(MUG)
    sent = bytes(page.evaluate("sent.arrayBuffer().then((data) => [...new Uint8Array(data)])"))
    with Image.open(io.BytesIO(sent)) as image:
        assert max(image.size) == 1024
        assert image.getexif() == {}
    assert b"Secret" not in sent
    expect(status(page)).to_have_text("12 products, the most alike first")
    card = page.locator("shopsight-widget .hits a").first
    expect(card).to_contain_text("€14.90")
    expect(card).to_contain_text("In stock")
    card.locator("img").evaluate("(image) => image.decode()")
    card.click()
    expect(page.locator("main h1")).to_have_text(MUG)
    expect(page.get_by_role("dialog")).to_have_count(0)
    address, admin = search
    deadline = time.monotonic() + 15
    while not (usage := httpx.get(f"{address}/v1/usage", headers=admin).json())["events"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert usage["events"] == {"product_click": 1}
    assert usage["clicks_by_position"] == {"1": 1}
    assert usage["clicked"] == 1


def test_everything_works_with_the_keyboard(open_shop: OpenPage) -> None:
    """Open, describe, walk through the results without leaving the panel, close, choose."""
    page = open_shop()
    page.locator("#q").focus()
    page.keyboard.press("Tab")
    expect(camera_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("button", name="Choose a photo")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(camera_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(panel.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(panel.get_by_role("button", name="Search", exact=True)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("terracotta mug")
    page.keyboard.press("Enter")
    expect(titles(page).first).to_contain_text("mug")
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SHOPSIGHT-WIDGET"
    first = page.locator("shopsight-widget .hits a").first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text("mug")


def test_opening_at_once_after_closing(open_shop: OpenPage) -> None:
    """A panel that is opened before the browser tells of its closing stays; each is told once."""
    page = open_shop()
    page.evaluate(
        """() => {
          window.heard = [];
          for (const name of ["open", "close"]) {
            document.addEventListener(`shopsight:${name}`, () => heard.push(name));
          }
          Shopsight.open();
          Shopsight.close();
          Shopsight.open();
        }"""
    )
    page.wait_for_timeout(300)
    expect(page.get_by_role("dialog")).to_have_count(1)
    assert page.evaluate("heard") == ["open", "close", "open"]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_function("heard.length === 4")


def test_things_on_the_photo_can_be_chosen(open_shop: OpenPage, sample_shop: Path) -> None:
    """Another thing, the whole photo, or words beside it: each is searched for at once."""
    page = open_shop()
    panel = open_panel(page)
    give(page, sample_shop / "photos" / "multi_02.jpg")
    things = panel.get_by_role("button", name=re.compile("Thing . of"))
    expect(things).to_have_count(3)
    with page.expect_request("**/v1/search") as asked:
        things.nth(2).click()
    assert b'name="image_id"' in (asked.value.post_data_buffer or b"")
    expect(things.nth(2)).to_have_attribute("aria-pressed", "true")
    whole = panel.get_by_role("button", name="Whole photo")
    whole.click()
    expect(whole).to_have_attribute("aria-pressed", "true")
    panel.get_by_role("textbox").fill("lamp")
    with page.expect_request("**/v1/search") as worded:
        page.keyboard.press("Enter")
    assert b"lamp" in (worded.value.post_data_buffer or b"")
    expect(titles(page).first).to_be_visible()
    panel.get_by_role("button", name="Another photo").click()
    expect(panel.get_by_role("button", name="Choose a photo")).to_be_focused()
    expect(titles(page)).to_have_count(0)


def test_the_camera_takes_a_photo(open_shop: OpenPage) -> None:
    """With leave, the camera's picture is searched for, and the camera is off afterwards."""
    page = open_shop(camera=True)
    panel = open_panel(page)
    panel.get_by_role("button", name="Use the camera").click()
    shoot = panel.get_by_role("button", name="Take the photo")
    expect(shoot).to_be_focused()
    video = panel.get_by_label("What the camera sees").element_handle()
    stream = video.evaluate_handle("(video) => video.srcObject")
    page.wait_for_function("(video) => video.videoWidth > 0", arg=video)
    shoot.click()
    expect(titles(page).first).to_be_visible()
    assert stream.evaluate("(stream) => stream.getTracks().map((track) => track.readyState)") == [
        "ended"
    ]


def test_a_denied_camera_is_no_dead_end(open_shop: OpenPage) -> None:
    """Without leave, the panel says what to do, and the other ways stay open."""
    page = open_shop()
    panel = open_panel(page)
    panel.get_by_role("button", name="Use the camera").click()
    expect(status(page)).to_contain_text("The camera is not allowed.")
    expect(panel.get_by_role("button", name="Choose a photo")).to_be_visible()


def test_no_network_and_a_tired_server(open_shop: OpenPage, large_photo: bytes) -> None:
    """Offline, and while the server is overloaded, a calm message; trying again then works."""
    page = open_shop(expected="Failed to load resource")
    open_panel(page)
    page.context.set_offline(True)
    give(page, large_photo)
    expect(status(page)).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    busy = {
        "status": 503,
        "json": {"reason": "overloaded"},
        "headers": {"Access-Control-Allow-Origin": "*"},
    }
    page.route("**/v1/search", lambda route: route.fulfill(**busy))
    page.get_by_role("button", name="Try again").click()
    expect(status(page)).to_contain_text("Many people are searching")
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Try again").click()
    expect(titles(page).first).to_have_text(MUG)


def test_files_that_are_no_photos(open_shop: OpenPage, large_photo: bytes) -> None:
    """What is no photo is never sent; what only the server reads is; a broken one is named so."""
    page = open_shop()
    panel = open_panel(page)
    asked: list[str] = []
    page.on(
        "request", lambda request: request.url.endswith("/search") and asked.append(request.url)
    )
    give(page, b"%PDF-1.7", "menu.pdf", "application/pdf")
    expect(status(page)).to_contain_text("This file is not a photo.")
    give(page, large_photo[:400], "half.jpg")
    expect(status(page)).to_contain_text("damaged or incomplete")
    expect(panel.get_by_role("button", name="Choose a photo")).to_be_visible()
    assert asked == []
    give(page, HEIC)
    expect(page.locator("shopsight-widget .unseen")).to_be_visible()
    expect(titles(page).first).to_be_visible()


def test_pasted_and_dropped_photos(open_shop: OpenPage, sample_shop: Path) -> None:
    """A picture on the clipboard, or one that is dropped on the panel, is searched for."""
    page = open_shop()
    panel = open_panel(page)
    data = list((sample_shop / "images" / "MUG001.jpg").read_bytes())
    for kind in ("paste", "drop"):
        panel.evaluate(
            """(panel, [kind, data]) => {
                const transfer = new DataTransfer();
                const type = "image/jpeg";
                transfer.items.add(new File([new Uint8Array(data)], "mug.jpg", { type }));
                const also = { bubbles: true, cancelable: true };
                panel.dispatchEvent(kind === "paste"
                    ? new ClipboardEvent(kind, { ...also, clipboardData: transfer })
                    : new DragEvent(kind, { ...also, dataTransfer: transfer }));
            }""",
            [kind, data],
        )
        expect(titles(page).first).to_have_text(MUG)
        panel.get_by_role("button", name="Another photo").click()


def test_pages_that_change_and_several_widgets(open_shop: OpenPage) -> None:
    """The button follows its field through changes of the page; removing leaves no trace."""
    page = open_shop()
    padding = "getComputedStyle(document.querySelector('#q')).paddingRight"
    assert page.evaluate(padding) == "46px"
    page.evaluate(
        "document.querySelector('.find').replaceWith(document.querySelector('.find').cloneNode(true))"
    )
    expect(camera_button(page)).to_have_count(1)
    page.evaluate(
        "document.querySelector('#q').replaceWith(document.querySelector('#q').cloneNode(true))"
    )
    expect(camera_button(page)).to_have_count(1)
    inside = page.evaluate(
        """() => {
            const field = document.querySelector("#q").getBoundingClientRect();
            const host = document.querySelector("shopsight-widget[data-kind=field]");
            const button = host.shadowRoot.querySelector("button").getBoundingClientRect();
            return button.right < field.right && button.left > field.left && button.top > field.top;
        }"""
    )
    assert inside
    open_panel(page)
    page.evaluate("document.querySelector('shopsight-widget[data-kind=panel]').remove()")
    open_panel(page)
    page.keyboard.press("Escape")
    page.evaluate("window.second = Shopsight.create({ label: 'Another camera' })")
    page.get_by_role("button", name="Another camera").click()
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.keyboard.press("Escape")
    page.evaluate("second.remove()")
    expect(page.get_by_role("button", name="Another camera")).to_have_count(0)
    page.evaluate("Shopsight.remove()")
    expect(page.locator("shopsight-widget")).to_have_count(0)
    assert page.evaluate(padding) == "16px"


def test_the_page_can_open_the_panel_and_hears_of_results(open_shop: OpenPage) -> None:
    """The page's own code may ask, and gets the events; titles and links cannot become programs."""
    page = open_shop()
    page.evaluate(
        """() => {
            window.heard = [];
            for (const name of ["open", "results", "select", "close"]) {
                const hear = ({ detail }) => {
                    heard.push([name, detail]);
                    document.documentElement.dataset.heard = name;
                };
                document.addEventListener(`shopsight:${name}`, hear);
            }
            Shopsight.open({ text: "zebra" });
        }"""
    )
    expect(titles(page)).to_have_text([HOSTILE])
    expect(page.locator("shopsight-widget .hits a")).to_have_count(0)
    page.evaluate("Shopsight.close()")
    expect(page.locator("html")).to_have_attribute("data-heard", "close")
    heard = page.evaluate("heard")
    assert [name for name, _ in heard] == ["open", "results", "close"]
    assert [product["id"] for product in heard[1][1]["products"]] == ["PHO149"]
    assert heard[1][1]["queryId"]
    options = {"button": False, "filter": 'brand = "Fennoro"'}
    page.evaluate("(options) => Shopsight.create(options).open({ text: 'mug bottle' })", options)
    expect(page.locator("shopsight-widget .hits .brand").first).to_be_visible()
    brands = page.locator("shopsight-widget .hits .brand").all_inner_texts()
    assert set(brands) == {"Fennoro"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_shop: OpenPage, sample_shop: Path, theme: str) -> None:
    """The panel has no serious fault of accessibility, empty and with results, in both themes."""
    page = open_shop(f"?theme={theme}")
    open_panel(page)
    assert faults(page) == []
    give(page, sample_shop / "photos" / "multi_02.jpg")
    expect(titles(page).first).to_be_visible()
    assert faults(page) == []


def faults(page: Page) -> list[str]:
    """Serious and critical faults that axe-core finds on the page and in the widget."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical"}]
    return [f"{one['id']}: {node['html']}" for one in serious for node in one["nodes"]]


def test_chinese_pages_get_a_chinese_widget(open_shop: OpenPage) -> None:
    """The language is that of the page."""
    page = open_shop("?lang=zh")
    page.get_by_role("button", name="拍照搜索").click()
    panel = page.get_by_role("dialog", name="拍照找同款")
    panel.get_by_role("textbox").fill("马克杯")
    page.keyboard.press("Enter")
    expect(titles(page).first).to_contain_text("马克杯")
    expect(page.locator("shopsight-widget .price").first).to_contain_text("€")


def test_other_origins_get_no_answer(
    browser: Browser, search: tuple[str, dict[str, str]], sample_shop: Path
) -> None:
    """A page whose origin the shop has not allowed can show the panel, but not search."""
    with demo_shop(sample_shop) as stranger:
        stranger.search = search[0]
        page = browser.new_page(locale="en-GB")
        page.goto(stranger.address)
        open_panel(page).get_by_role("textbox").fill("mug")
        page.keyboard.press("Enter")
        expect(status(page)).to_contain_text("cannot be reached")
        page.close()
