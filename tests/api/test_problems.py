from __future__ import annotations

import inspect
import logging
from pathlib import Path

import httpx
import pytest

from shopsight import errors
from shopsight.api.app import create_app
from shopsight.api.problems import HIDDEN, RULES, from_core, rule_for
from shopsight.api.server import serving
from shopsight.errors import DecodeError, MissingExtraError, ShopsightError, StorageError
from shopsight.wiring import Shop

ALL_ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ShopsightError)
]


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_every_error_has_a_status_of_its_branch(kind: type[ShopsightError]) -> None:
    """No error of the tree falls through to "internal": a new branch must get a rule."""
    rules = [RULES[base] for base in kind.__mro__ if base in RULES]
    assert rules[0].reason != "internal" or kind is ShopsightError


def test_reasons_of_pictures_are_kept() -> None:
    """The stable reason of a picture error is the reason of its problem."""
    problem = from_core(DecodeError("It ends too early.", reason="truncated"), trusted=False)
    assert (problem.status, problem.reason, problem.detail) == (
        422,
        "truncated",
        "It ends too early.",
    )


def test_a_missing_extra_is_named() -> None:
    """Whoever sends a video to a server that reads none is told which extra it lacks."""
    error = MissingExtraError("Searching with a video", "video")
    problem = from_core(error, trusted=False)
    assert (problem.status, problem.reason) == (503, "missing_extra")
    assert "'shopsight[video]'" in problem.detail


def test_strangers_read_no_paths() -> None:
    """A message for those who run the shop is shown to them only."""
    error = StorageError("Database /srv/shop/catalog.sqlite: the disk is full")
    assert from_core(error, trusted=True).detail == str(error)
    assert from_core(error, trusted=False).detail == HIDDEN
    assert rule_for(error).status == 503


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nosuch", 404, "no_route"),
        ("GET", "/static/nosuch.js", 404, "no_route"),
        ("GET", "/static/../../settings.py", 404, "no_route"),
        ("PATCH", "/v1/search", 405, "method"),
        ("GET", "/v1/products/nosuch", 404, "not_found"),
        ("GET", "/v1/products?limit=x", 422, "validation"),
        ("GET", "/v1/jobs", 401, "no_key"),
    ],
)
def test_all_problems_have_one_shape(
    client: httpx.Client, method: str, path: str, status: int, reason: str
) -> None:
    """Whatever fails, the answer is problem details with all members and the request's id."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:shopsight:problem:{reason}"
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == answer.headers["X-Request-ID"]


def test_the_unforeseen_is_logged_and_tells_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception nobody thought of answers 500 with an id that finds it in the log."""

    def fail(_: str) -> None:
        raise RuntimeError("the secret is 1234")

    monkeypatch.setattr(shop.catalog, "one", fail)
    with serving(shop) as address, caplog.at_level(logging.ERROR):
        answer = httpx.get(f"{address}/v1/products/MUG001")
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert "1234" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-ID"] in caplog.text
    assert "the secret is 1234" in caplog.text


def test_values_that_were_sent_are_not_sent_back(client: httpx.Client) -> None:
    """A validation problem names fields and rules but repeats no content."""
    answer = client.post("/v1/search", json={"image": "aGk=", "limit": "sesame"})
    assert "sesame" not in answer.text


def test_importing_and_making_an_application_starts_nothing(shop: Shop, tmp_path: Path) -> None:
    """An application without a lifespan has no threads and no open files of its own."""
    import threading

    before = {thread.name for thread in threading.enumerate()}
    create_app(shop)
    assert {thread.name for thread in threading.enumerate()} == before
    assert list(tmp_path.iterdir()) == []
