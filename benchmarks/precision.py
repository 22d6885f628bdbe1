"""Speed and exactness of all engines that can run an encoder here.

Usage: ``python benchmarks/precision.py [--encoder lite] [--threads 0] [--rounds 10] [--int8]``.

For each engine: pictures per second in batches of 32 and milliseconds for a single picture, both as
the ratio to ONNX Runtime in float32, and the cosine of its vectors to float32 (least and mean) on
64 pictures of the sample shop. The engines take turns, round by round, and ratios are medians over
rounds, so that what else the machine does concerns all alike. The processor time that a picture
costs is given as well: it hardly depends on others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from shopsight.encoders import load_encoder
from shopsight.encoders.backends import (
    LEAST_COSINE,
    EngineChoice,
    compare,
    engine_of,
    sample_pictures,
)
from shopsight.encoders.base import Pixels
from shopsight.encoders.onnx import PlainOnnxEncoder

BATCH = 32
PICTURES = 64
SINGLES = 4
"""Single pictures per round."""


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--int8", action="store_true", help="8-bit models too (extra quantize)")
    arguments = parser.parse_args()
    loaded = load_encoder(arguments.encoder, threads=arguments.threads)
    if not isinstance(loaded, PlainOnnxEncoder):
        parser.error(f"the encoder {arguments.encoder} runs no ONNX model")
    with (
        tempfile.TemporaryDirectory() as folder,
        _engines(loaded, Path(folder), int8=arguments.int8) as encoders,
    ):
        pixels = sample_pictures(loaded, PICTURES)
        cosines = _cosines(encoders, pixels)
        times = _times(encoders, pixels[:BATCH], arguments.rounds)
    _report(encoders, cosines, times)


@contextmanager
def _engines(
    plain: PlainOnnxEncoder, folder: Path, *, int8: bool
) -> Iterator[list[PlainOnnxEncoder]]:
    """The encoder on each engine that is here, ONNX Runtime in float32 first."""
    choices = [EngineChoice(backend="onnxruntime", precision="fp32", cache=folder)]
    if find_spec("openvino") is not None:
        choices.append(EngineChoice(backend="openvino", cache=folder))
    if int8:
        choices += [choice.model_copy(update={"precision": "int8"}) for choice in choices]
    encoders = [plain]
    for choice in choices:
        for found in compare(plain, choice):
            candidate = found.candidate
            if candidate.name not in [encoder.engine.name for encoder in encoders]:
                encoders.append(plain.with_engine(engine_of(candidate, plain, choice)))
    try:
        yield encoders
    finally:
        for encoder in encoders:
            encoder.close()


def _cosines(encoders: list[PlainOnnxEncoder], pixels: Pixels) -> list[tuple[float, float]]:
    exact = encoders[0].encode_images(pixels)
    found = [(encoder.encode_images(pixels) * exact).sum(axis=1) for encoder in encoders]
    return [(float(cosines.min()), float(cosines.mean())) for cosines in found]


def _times(encoders: list[PlainOnnxEncoder], pixels: Pixels, rounds: int) -> np.ndarray:
    """``(rounds, engines, 4)`` seconds: batch and one picture, by the clock and of processors."""
    times = np.empty((rounds, len(encoders), 4))
    for row in times:
        for cell, encoder in zip(row, encoders, strict=True):
            start = np.array([time.perf_counter(), time.process_time()])
            encoder.encode_images(pixels)
            middle = np.array([time.perf_counter(), time.process_time()])
            for picture in pixels[:SINGLES]:
                encoder.encode_images(picture[None])
            end = np.array([time.perf_counter(), time.process_time()])
            cell[:] = [*(middle - start) / len(pixels), *(end - middle) / SINGLES]
    return times


def _report(
    encoders: list[PlainOnnxEncoder], cosines: list[tuple[float, float]], times: np.ndarray
) -> None:
    ratios = np.median(times[:, :1] / times, axis=0)
    typical = np.median(times, axis=0)
    print(f"{encoders[0].spec.name}, {encoders[0].threads} thread(s), {len(times)} rounds")
    print(f"{'engine':18} {'batch':>22} {'processor time':>20} {'one picture':>18} {'cosine':>16}")
    for encoder, (least, mean), ratio, seconds in zip(
        encoders, cosines, ratios, typical, strict=True
    ):
        print(
            f"{encoder.engine.name:18} "
            f"{1 / seconds[0]:9.1f}/s = {ratio[0]:5.2f} x "
            f"{seconds[1] * 1000:7.1f} ms = {ratio[1]:4.2f} x "
            f"{seconds[2] * 1000:5.1f} ms = {ratio[2]:4.2f} x "
            f"{least:.5f} {mean:.5f}{'' if least >= LEAST_COSINE else '  too inexact'}"
        )


if __name__ == "__main__":
    main()
