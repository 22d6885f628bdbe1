from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import TypeAdapter

from shopsight.api import models
from shopsight.api.problems import Problem
from shopsight.api.routes.system import IndexAnswer
from shopsight.api.server import serving
from shopsight.errors import EncoderError, SettingsError
from shopsight.wiring import Shop


def figures(admin: httpx.Client) -> dict[tuple[str, ...], float]:
    """Prometheus's figures, by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(admin.get("/metrics").text)
        for sample in family.samples
    }


def test_health_answers(client: httpx.Client) -> None:
    """The process says that it lives, and that it is ready once it is."""
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_before_the_encoder_is_warm(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the encoder loads, the server answers, but says that it is not ready."""
    loaded = threading.Event()
    monkeypatch.setattr(shop, "warm", lambda: loaded.wait(10))
    with serving(shop, ready=False) as address:
        answer = httpx.get(f"{address}/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
        assert answer.headers["Retry-After"] == "1"
        assert httpx.get(f"{address}/healthz").status_code == 200
        loaded.set()
        deadline = time.monotonic() + 5
        while httpx.get(f"{address}/readyz").status_code != 200:
            assert time.monotonic() < deadline


def test_an_encoder_that_cannot_be_loaded_keeps_the_server_unready(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells why, the address does not tell strangers."""

    def fail() -> None:
        raise EncoderError("/srv/models/lite.onnx is damaged")

    monkeypatch.setattr(shop, "warm", fail)
    with serving(shop, ready=False) as address:
        deadline = time.monotonic() + 5
        while "cannot get ready" not in (answer := httpx.get(f"{address}/readyz")).text:
            assert time.monotonic() < deadline
    assert answer.status_code == 503
    assert "lite.onnx" not in answer.text
    assert "/srv/models/lite.onnx is damaged" in caplog.text


def test_a_failing_refresh_does_not_end_the_upkeep(
    start: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a refresh that failed the next one is tried, and the server goes on answering."""
    calls = []

    def fail(_: Shop) -> None:
        calls.append(1)
        raise RuntimeError("lost connection")

    monkeypatch.setattr(Shop, "refresh", fail)
    client = start(refresh_every_s=0.01)
    deadline = time.monotonic() + 5
    while len(calls) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.get("/healthz").status_code == 200


def test_the_index_is_optimised_when_it_changed_and_only_then(
    start: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch, web: str
) -> None:
    """Writing a product leads to one optimisation; without a further write there is no other."""
    calls = []
    monkeypatch.setattr(Shop, "optimize", lambda _: calls.append(1))
    client = start(refresh_every_s=0.02, optimize_every_s=0.02)
    time.sleep(0.2)
    assert not calls
    product = {"id": "M1", "title": "Mug", "image_link": f"{web}/images/MUG001.jpg"}
    assert client.put("/v1/products/M1", json=product).status_code == 201
    deadline = time.monotonic() + 5
    while not calls:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    written = len(calls)
    time.sleep(0.2)
    assert len(calls) <= written + 1  # the write may have been seen half done


def test_the_index_describes_itself(admin: httpx.Client) -> None:
    """Counts, the encoder and the filterable fields are there."""
    info = admin.get("/v1/index").json()
    assert (info["products"], info["searchable"], info["images"], info["rows"]) == (12, 12, 12, 12)
    assert (info["encoder"], info["dimension"], info["metric"]) == ("thumbnail", 192, "cosine")
    assert info["healthy"] is True
    assert info["fields"]["price"] == "number"


def test_there_is_no_index_before_the_first_feed(start: Callable[..., httpx.Client]) -> None:
    """An empty shop says what to do, and still gives figures."""
    client = start()
    answer = client.get("/v1/index")
    assert (answer.status_code, answer.json()["reason"]) == (503, "index")
    assert "shopsight index" in answer.json()["detail"]
    assert figures(client)["shopsight_catalog", "products"] == 0


def test_requests_and_stages_are_counted(admin: httpx.Client, photo: bytes) -> None:
    """A search raises the counters of its route and of its stages by one."""
    before = figures(admin)
    admin.post("/v1/search", files={"image": photo})
    admin.get("/v1/products/some-id")
    after = figures(admin)

    def rise(*name: str) -> float:
        return after[name] - before.get(name, 0)

    assert rise("shopsight_requests_total", "POST", "/v1/search", "200") == 1
    assert rise("shopsight_requests_total", "GET", "/v1/products/{product_id:path}", "404") == 1
    assert rise("shopsight_search_stage_seconds_count", "encode") == 1
    assert rise("shopsight_request_seconds_count", "POST", "/v1/search") == 1
    assert after["shopsight_catalog", "products"] == 12
    assert after["shopsight_jobs", "queued"] == 0
    assert after["shopsight_ready",] == 1
    assert after["process_resident_memory_bytes",] > 0


def test_unknown_paths_make_no_new_figures(admin: httpx.Client) -> None:
    """Paths that do not exist are counted together: strangers cannot fill the memory."""
    for number in range(5):
        admin.get(f"/nosuch/{number}")
    assert not any("nosuch" in part for name in figures(admin) for part in name)


def test_two_applications_count_apart(shop: Shop, server: str) -> None:
    """A second application in the process has figures of its own."""
    from shopsight.catalog.keys import KeyStore

    _key, secret = KeyStore(shop.database).create("second")
    with (
        serving(shop) as address,
        httpx.Client(base_url=address, headers={"X-API-Key": secret}) as second,
    ):
        httpx.get(f"{server}/healthz")
        assert ("shopsight_requests_total", "GET", "/healthz", "200") not in figures(second)


def test_a_taken_port_is_explained(shop: Shop, server: str) -> None:
    """The message names the port and the option that chooses another."""
    from shopsight.api.server import serve

    port = int(server.rpartition(":")[2])
    with pytest.raises(SettingsError, match=rf"{port}.*--port"):
        serve(shop, "127.0.0.1", port)
    with pytest.raises(SettingsError, match=r"nosuch\.invalid"):
        serve(shop, "nosuch.invalid", 0)


EXAMPLES = [
    (model, example)
    for model in (*vars(models).values(), IndexAnswer, Problem)
    if isinstance(model, type) and hasattr(model, "model_config")
    if isinstance(extra := model.model_config.get("json_schema_extra"), dict)
    for example in extra["examples"]
]


@pytest.mark.parametrize(("model", "example"), EXAMPLES)
def test_examples_are_valid(model: Any, example: dict[str, Any]) -> None:
    """Every example of the documentation is what its model takes or gives."""
    TypeAdapter(model).validate_python(example)


def test_openapi_is_complete(client: httpx.Client) -> None:
    """Every reference leads somewhere, every operation has words, bodies have examples."""
    schema = client.get("/openapi.json").json()
    references = set(
        re.findall(r'"#/components/schemas/([^"]+)"', client.get("/openapi.json").text)
    )
    assert references <= set(schema["components"]["schemas"])
    assert {"SearchBody", "ProductBody", "BatchBody", "FeedBody", "Problem"} <= references
    operations = [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) > 12
    for path, method, operation in operations:
        assert operation["summary"], f"{method} {path}"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind == "application/json":
                assert content["examples"]
    schemes = schema["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}


def test_no_page_needs_a_cdn(client: httpx.Client) -> None:
    """The interactive pages that load scripts from elsewhere are off."""
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404


def test_the_documentation_names_every_route(client: httpx.Client) -> None:
    """docs/api.md has a heading for every method and path, and for no other."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^### `([A-Z]+) (\S+)`", text, re.MULTILINE))
    paths = client.get("/openapi.json").json()["paths"]
    real = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert documented == real
