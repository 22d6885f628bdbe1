from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopsight.api.routes.duplicates import FRESH_S, Found
from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.errors import BusyError
from shopsight.search.duplicates import DuplicateGroup
from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of a shop in which three pairs of products share pictures."""
    folder = tmp_path_factory.mktemp("doubled")
    small = SmallShop(folder / "feed", 8)
    for first, second in (("p1", "p5"), ("p2", "p6"), ("p3", "p7")):
        shutil.copy(small.folder / f"{first}.png", small.folder / f"{second}.png")
    values: dict[str, Any] = {"data": folder / "data", "encoder": "thumbnail", "threads": 1}
    values |= {"detector": "none", "calibrate": False, "store": "exact"}
    with Shop.open(settings=Settings.model_validate(values)) as shop:
        shop.index(small.feed)
        secret = KeyStore(shop.database).create("tests")[1]
        with (
            serving(shop) as address,
            httpx.Client(base_url=address, headers={"X-API-Key": secret}) as client,
        ):
            yield client


def test_pages(doubled: httpx.Client) -> None:
    """All groups come out, page by page, each once, with what they are."""
    whole = doubled.get("/v1/duplicates").json()
    assert whole["total"] == 3
    assert whole["next"] is None
    assert [group["product_ids"] for group in whole["groups"]] == [
        ["p1", "p5"],
        ["p2", "p6"],
        ["p3", "p7"],
    ]
    assert whole["groups"][0] == {
        "product_ids": ["p1", "p5"],
        "score": 1.0,
        "why": "same_picture",
        "variants": False,
    }
    first = doubled.get("/v1/duplicates", params={"limit": 2}).json()
    rest = doubled.get("/v1/duplicates", params={"limit": 2, "offset": first["next"]}).json()
    assert first["groups"] + rest["groups"] == whole["groups"]
    assert rest["next"] is None
    beyond = doubled.get("/v1/duplicates", params={"offset": 1000}).json()
    assert (beyond["groups"], beyond["total"], beyond["next"]) == ([], 3, None)


@pytest.mark.parametrize(
    "options",
    [{"threshold": 0}, {"threshold": 1.5}, {"threshold": "nan"}, {"limit": 0}, {"offset": -1}],
)
def test_bad_options(doubled: httpx.Client, options: dict[str, Any]) -> None:
    """Options out of range are refused, and the field is named."""
    answer = doubled.get("/v1/duplicates", params=options)
    assert answer.status_code == 422
    assert next(iter(options)) in answer.text


def test_admins_only(doubled: httpx.Client) -> None:
    """Shoppers learn nothing of how a catalogue is kept."""
    answer = httpx.get(f"{doubled.base_url}/v1/duplicates")
    assert answer.status_code == 401
    assert answer.json()["reason"] == "no_key"


def test_nothing_is_indexed(start: Callable[..., httpx.Client], tmp_path: Path) -> None:
    """Before anything is indexed the answer is a problem, not a crash."""
    answer = start(data=tmp_path / "empty").get("/v1/duplicates")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_answers_are_kept_for_a_while() -> None:
    """Pages come from one answer; the first page of an old one, or other options, look anew."""
    now, looks = [1000.0], []

    def find(threshold: float, include_variants: bool) -> Iterator[DuplicateGroup]:
        looks.append((threshold, include_variants))
        for number in range(len(looks) + 1):
            yield DuplicateGroup((f"a{number}", f"b{number}"), 1.0, "same_picture")

    found = Found(find, clock=lambda: now[0])
    key = 0.96, False
    assert found.page(key, 0, 1).total == 2
    assert found.page(key, 1, 1).total == 2
    assert found.page(key, 0, 1).total == 2
    now[0] += FRESH_S + 1
    assert found.page(key, 1, 1).total == 2
    assert found.page(key, 0, 1).total == 3
    assert found.page((0.9, True), 1, 1).total == 4
    assert looks == [key, key, (0.9, True)]


def test_one_look_at_a_time() -> None:
    """While duplicates are looked for, others are asked to come again; then all is well."""
    begun, go_on = threading.Event(), threading.Event()

    def find(_threshold: float, _include_variants: bool) -> Iterator[DuplicateGroup]:
        begun.set()
        go_on.wait(30)
        yield DuplicateGroup(("a", "b"), 1.0, "same_picture")

    found = Found(find)
    thread = threading.Thread(target=found.page, args=((0.96, False), 0, 1))
    thread.start()
    assert begun.wait(30)
    with pytest.raises(BusyError, match="ask again"):
        found.page((0.96, False), 0, 1)
    go_on.set()
    thread.join()
    assert found.page((0.96, False), 0, 1).total == 1
