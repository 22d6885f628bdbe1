"""What searching with a video finds, and how many forward passes it takes.

    python benchmarks/video.py [--encoder lite] [--detector default] [--json]

Indexes the sample shop and asks with its two clips of three seconds each, and with both joined to
one of six. For each product that a clip shows: its place in the answer, and the time it is best
seen beside the times between which it is wholly in view, which were read off the frames. A pass is
a run of the encoder or of the detector. Needs the extra ``video``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.regions.base import Region, RegionFinder
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop

IN_VIEW_S = {
    "MUG001": (0.0, 2.0),
    "BOX116": (0.0, 2.9),
    "BOW058": (1.2, 2.9),
    "HEA099": (0.0, 2.9),
    "LAM024": (0.0, 2.9),
    "BOO110": (1.0, 2.9),
}
"""Seconds from and to which each product is wholly in view, of its clip."""

CLIP_S = 3.0
WITHIN_S = 1.0
PASSES = 30
RATE = 12


@dataclass(slots=True)
class Passes:
    """Counts forward passes of a shop's models."""

    encoder: int = 0
    detector: int = 0

    def watch(self, shop: Shop) -> None:
        """Count the passes of a shop that has not searched yet."""
        encode, finder = shop.models.encode, shop.models.finder
        passes = self

        def counted(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            passes.encoder += len(pixels)
            return encode(pixels)

        class Finder:
            def __init__(self, inner: RegionFinder) -> None:
                self._inner = inner

            def find(self, image: Image.Image) -> tuple[Region, ...]:
                passes.detector += 1
                return self._inner.find(image)

        def watched() -> Finder | None:
            found = finder()
            return Finder(found) if found is not None else None

        shop.models.encode = counted  # type: ignore[method-assign]
        shop.models.finder = watched  # type: ignore[assignment, method-assign]


def joined(clips: list[bytes]) -> bytes:
    """Clips of one size one after the other, as H.264."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as target:
        stream = target.add_stream("libx264", rate=RATE)
        stream.options = {"crf": "18"}
        stream.pix_fmt = "yuv420p"
        with av.open(io.BytesIO(clips[0])) as source:
            shape = source.streams.video[0]
            stream.width, stream.height = shape.width, shape.height
        for clip in clips:
            with av.open(io.BytesIO(clip)) as source:
                for frame in source.decode(video=0):
                    target.mux(stream.encode(av.VideoFrame.from_image(frame.to_image())))
        target.mux(stream.encode(None))
    return file.getvalue()


def clips() -> Iterator[tuple[str, bytes, dict[str, tuple[float, float]]]]:
    """Name, bytes, and the products with the seconds in which they are in view."""
    data: list[bytes] = []
    later: dict[str, tuple[float, float]] = {}
    with (ROOT / "video" / "videos.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shown = {key: IN_VIEW_S[key] for key in row["ids"].split()}
            start = CLIP_S * len(data)
            later |= {key: (begin + start, end + start) for key, (begin, end) in shown.items()}
            data.append((ROOT / row["video"]).read_bytes())
            yield row["video"], data[-1], shown
    yield "both, joined", joined(data), later


def measure(shop: Shop, passes: Passes) -> Iterator[dict[str, object]]:
    """Figures for each clip."""
    for name, data, shown in clips():
        passes.encoder = passes.detector = 0
        started = time.perf_counter()
        result = shop.search_video(data, limit=10)
        seconds = time.perf_counter() - started
        places = {hit.product.id: place for place, hit in enumerate(result.hits, 1)}
        times = {hit.product.id: round(hit.seen_at_s or 0.0, 2) for hit in result.hits}
        off = {key: _off(times.get(key), view) for key, view in shown.items()}
        yield {
            "clip": name,
            "found": sum(key in places for key in shown),
            "goal_found": len(shown),
            "place": {key: places.get(key) for key in shown},
            "best_s": {key: times.get(key) for key in shown},
            "in_view_s": shown,
            "worst_off_s": max((each for each in off.values() if each is not None), default=None),
            "goal_off_s": WITHIN_S,
            "passes": passes.encoder + passes.detector,
            "of_encoder": passes.encoder,
            "of_detector": passes.detector,
            "goal_passes": PASSES,
            "seconds": round(seconds, 2),
        }


def _off(at: float | None, view: tuple[float, float]) -> float | None:
    """Seconds between a time and when the product is in view; 0 within."""
    return None if at is None else round(max(view[0] - at, at - view[1], 0.0), 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--detector", default="default")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data=Path(folder),
            encoder=arguments.encoder,
            detector=arguments.detector,
            calibrate=False,
        )
        passes = Passes()
        with Shop.open(settings=settings) as shop:
            shop.index(ROOT / "catalog.csv")
            shop.warm()
            shop.refresh()
        with Shop.open(settings=settings) as shop:
            passes.watch(shop)
            for figures in measure(shop, passes):
                print(json.dumps(figures) if arguments.json else _shown(figures), flush=True)


def _shown(figures: dict[str, object]) -> str:
    return "\n".join(f"{name:>12}  {value}" for name, value in figures.items()) + "\n"


if __name__ == "__main__":
    main()
