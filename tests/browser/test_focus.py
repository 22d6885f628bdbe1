from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shopsight.api.server import serving
from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> ShapesShop:
    """Every shape in every colour."""
    return ShapesShop(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def address(shapes: ShapesShop) -> Iterator[str]:
    """Address of a server that tells shapes and colours apart; `open_page` opens this one."""
    usual = {"encoder": "two-part", "store": "exact", "threads": 1, "calibrate": False}
    settings = Settings.model_validate({"data": shapes.folder / "data", **usual})
    samples = [shapes.draw("pole", "blue", side=48)]
    with Shop.open(settings=settings) as shop:
        shop.index(shapes.feed)
        with serving(shop, samples=samples) as address:
            yield address


@pytest.fixture(scope="module")
def photo(shapes: ShapesShop) -> Path:
    """A red circle that is a little smaller than those in the catalogue."""
    return shapes.draw("circle", "red", side=48)


def expect_first(page: Page, word: str) -> None:
    """Wait until the first three products have a word in their titles, and no other has."""
    expect(page.locator("product-card h3").nth(3)).not_to_contain_text(word)
    for place in range(3):
        expect(page.locator("product-card h3").nth(place)).to_contain_text(word)


def test_the_focus_is_chosen_beside_the_photo(open_page: OpenPage, photo: Path) -> None:
    """With the photo comes the choice; another one searches again, and stays for the next photo."""
    page = open_page()
    choice = page.get_by_role("group", name="What counts most")
    expect(choice).to_be_hidden()
    page.set_input_files("#photo", photo)
    expect(choice.get_by_role("radio", name="Both")).to_be_checked()
    choice.get_by_text("Colour").click()
    expect_first(page, "red")
    choice.get_by_text("Shape").click()
    expect_first(page, "circle")
    page.locator("sample-photos button").click()
    expect_first(page, "pole")
    expect(choice.get_by_role("radio", name="Shape")).to_be_checked()


def test_the_focus_is_chosen_with_the_keyboard(open_page: OpenPage, photo: Path) -> None:
    """Tab reaches the choice after the words, arrows change it, and it speaks Chinese."""
    page = open_page()
    page.set_input_files("#photo", photo)
    page.wait_for_selector("product-card")
    page.get_by_role("button", name="Search", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Both")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Colour")).to_be_checked()
    expect_first(page, "red")
    page.get_by_role("button", name="中文").click()
    group = page.get_by_role("group", name="更看重")
    expect(group.get_by_role("radio", name="颜色")).to_be_checked()
    expect(group.get_by_role("radio")).to_have_count(3)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_choice_fits(open_page: OpenPage, photo: Path, width: int) -> None:
    """The choice makes no screen scroll sideways, and its words are not cut."""
    page = open_page(viewport={"width": width, "height": 700})
    page.set_input_files("#photo", photo)
    page.wait_for_selector("focus-switch label")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    assert page.locator("focus-switch span").evaluate_all(cut) == 0
