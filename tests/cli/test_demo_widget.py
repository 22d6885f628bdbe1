from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx


def test_the_demo_serves_a_shop_with_the_widget(tmp_path: Path) -> None:
    """Two origins answer: the shop's page names the other, which lets just that page search."""
    environment = {"SHOPSIGHT_ENCODER": "thumbnail", "SHOPSIGHT_CALIBRATE": "false"}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "shopsight", "demo", "--widget", "--port", "0"],
            env=os.environ
            | environment
            | {"SHOPSIGHT_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 240
        while not (found := re.search(r"with the widget: (http://\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        shop = found[1]
        page = httpx.get(shop)
        (script,) = re.findall(r'<script src="(http[^"]+/widget\.js)"', page.text)
        assert f"script-src 'self' {script};" in page.headers["Content-Security-Policy"]
        assert httpx.get(f"{shop}/catalog.json").json()[0]["id"] == "MUG001"
        assert httpx.get(f"{shop}/images/MUG001.jpg").headers["Content-Type"] == "image/jpeg"
        assert httpx.get(script).status_code == 200
        search = script.removesuffix("/widget.js")
        for origin, allowed in ((shop, shop), ("http://127.0.0.1:9", None)):
            answer = httpx.get(f"{search}/v1/search/options", headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    finally:
        process.terminate()
        process.wait(timeout=30)
