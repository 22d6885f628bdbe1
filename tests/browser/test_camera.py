from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from tests.browser.conftest import FLAGS, chromium

OpenPage = Callable[..., Page]

HELD = 75
"""Times that each frame is repeated: the camera is held still."""


@pytest.fixture(scope="module")
def browser(sample_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose camera sees two moments of one of our clips, each held for a while."""
    stream = tmp_path_factory.mktemp("camera") / "clip.mjpeg"
    with av.open(str(sample_shop / "video" / "desk.mp4")) as clip, stream.open("wb") as target:
        frames = list(clip.decode(video=0))
        for frame in (frames[0], frames[-1]):
            for _ in range(HELD):
                frame.to_image().save(target, "JPEG", quality=90)
    path = chromium()
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={stream}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS + camera)
        yield browser
        browser.close()


def test_the_camera_searches_while_it_looks(open_page: OpenPage) -> None:
    """Still pictures are searched for, not more often than twice a second; a photo can be taken."""
    page = open_page(permissions=["camera"])
    sent: list[Request] = []
    page.on("request", lambda request: request.url.endswith("/v1/search") and sent.append(request))
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("heading", name="What the camera sees")).to_be_visible(timeout=30_000)
    expect(page.locator("search-results product-card")).to_have_count(12)
    page.wait_for_timeout(3000)
    starts = sorted(request.timing["startTime"] for request in sent)
    assert all(later - earlier >= 450 for earlier, later in pairwise(starts))
    page.get_by_role("button", name="Take this photo").click()
    expect(page.get_by_role("heading", name="What looks like your photo")).to_be_visible()
    expect(page.locator("live-camera")).to_be_hidden()
    expect(page.locator(".stage img")).to_be_visible()


def test_the_camera_is_off_while_the_tab_is_hidden(open_page: OpenPage) -> None:
    """A hidden tab gives the camera back, and opens it again when it is seen."""
    page = open_page(permissions=["camera"])
    page.get_by_role("button", name="Use the camera").click()
    playing = "document.querySelector('live-camera video').srcObject?.active ?? false"
    page.locator("live-camera video").wait_for()
    expect(page.locator("search-results product-card").first).to_be_visible(timeout=30_000)
    assert page.evaluate(playing)
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    assert not page.evaluate(playing)
    page.evaluate(hide, False)
    expect(page.locator("live-camera video")).to_have_js_property("paused", False)
    page.get_by_role("button", name="Close the camera").click()
    expect(page.locator("h1", has_text="Find it with a photo")).to_be_visible()


def test_frames_are_judged(open_page: OpenPage) -> None:
    """A blurred, a moving or a known picture is no reason to search; a new still one is."""
    page = open_page()
    judged = page.evaluate(
        """async () => {
          const { FrameJudge } = await import("./static/store/frames.js");
          const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 72 });
          const context = canvas.getContext("2d");
          const draw = (shift, color) => {
            context.fillStyle = "#888";
            context.fillRect(0, 0, 96, 72);
            context.fillStyle = color;
            for (let x = 0; x < 96; x += 16) context.fillRect(x + shift, 0, 8, 72);
          };
          const judge = new FrameJudge();
          const looks = (count, step, color) => Array.from({ length: count }, (_, number) => {
            draw(number * step, color);
            return judge.look(canvas).good;
          });
          const blank = looks(5, 0, "#888");
          const moving = looks(5, 4, "#fff");
          const still = looks(5, 0, "#fff");
          judge.remember();
          return { blank, moving, still, known: looks(5, 0, "#fff"), other: looks(5, 0, "#000") };
        }"""
    )
    assert not any(judged["blank"] + judged["moving"] + judged["known"])
    assert judged["still"][-1]
    assert judged["other"][-1]
