from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OpenPage = Callable[..., Page]


def serious(page: Page) -> list[str]:
    """What axe finds wrong, of those things that keep people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{problem['id']}: {node['html'][:120]}"
        for problem in found
        if problem["impact"] in ("serious", "critical")
        for node in problem["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(
    open_page: OpenPage, sample_shop: Path, address: str, scheme: str
) -> None:
    """Axe finds nothing serious on the start, the results, the dialog, and a product's page."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    assert serious(page) == []
    page.set_input_files("#photo", sample_shop / "photos" / "multi_02.jpg")
    page.locator("search-results:not([aria-busy]) product-card").first.wait_for()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="Crop").click()
    assert serious(page) == []
    page.get_by_role("button", name="Why?").first.click()
    page.locator(".pair img").first.wait_for()
    assert serious(page) == []
    page.goto(f"{address}/p/BOT009")
    page.locator(".related product-card").first.wait_for()
    assert serious(page) == []
