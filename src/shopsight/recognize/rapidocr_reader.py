"""Reads text with RapidOCR (Apache-2.0) and the PP-OCR models that its wheel carries."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsight.errors import EncoderError, MissingExtraError
from shopsight.images.boxes import Box
from shopsight.recognize.text import CUT_SHORT, Reading, TextLine

Pixels = NDArray[np.uint8]

EXTRA = "ocr"

SIDE = 736
"""Shorter side in pixels at which lines are looked for if there is time, as RapidOCR does."""

LEAST_SIDE = 320
"""Longer side in pixels at which they are looked for if there is hardly any."""

MAX_PIXELS = 1_600_000
"""Pixels at most, whatever the budget and the aspect."""

DETECTION_SHARE = 0.6
"""Of the budget: what finding the lines may take; the rest is for reading them."""

LEAST_CONFIDENCE = 0.5
"""Lines read with less are left out, as RapidOCR does."""

UPSIDE_DOWN = 0.9
"""A line read with less confidence is read upside down too."""

_STEP = 32
"""The detector halves its input five times."""

_REMEMBERED = 0.7
"""Of a measured speed, what is kept beside the next measurement."""

_TRIALS = 3
"""Runs at the start that the first speed is the best of."""

_LINE_HEIGHT = 48
_MAX_LINE_WIDTH = 2000
_MAX_LINES = 200


@dataclass(slots=True)
class _Models:
    """Detector and recogniser, and how fast the detector was of late."""

    detector: Any
    recognizer: Any
    seconds_per_pixel: float
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, seconds: float, pixels: int) -> None:
        """Learn from a run of the detector."""
        with self.lock:
            kept = _REMEMBERED * self.seconds_per_pixel
            self.seconds_per_pixel = kept + (1 - _REMEMBERED) * seconds / pixels

    def passed_over(self) -> None:
        """It was too slow to be run: hope a little more each time, since only runs teach."""
        with self.lock:
            self.seconds_per_pixel *= _REMEMBERED


class RapidOcrReader:
    """A :class:`~shopsight.recognize.text.TextReader`. Models are loaded by the first picture.

    A picture is made as large for the detector as the budget allows, judged by how long the last
    ones took; where not even the least size does, it is not begun. Lines are then read one by one,
    the largest first, until the time is up.

    Args:
        threads: Of each model; 0: one per core.

    Raises:
        MissingExtraError: The extra ``ocr`` is not installed.
    """

    def __init__(self, *, threads: int = 0) -> None:
        if not is_installed():
            raise MissingExtraError("Reading text on pictures", EXTRA)
        self._threads = threads
        self._lock = threading.Lock()
        self._models: _Models | None = None

    def prepare(self) -> None:
        """Load the models; see the protocol.

        Raises:
            EncoderError: A model cannot be loaded.
        """
        self._loaded()

    def read(self, pixels: Pixels, budget_s: float) -> Reading:
        """Read the lines on an upright picture; see the protocol.

        Raises:
            EncoderError: A model cannot be loaded, or failed.
        """
        if budget_s <= 0:
            return CUT_SHORT
        models = self._loaded()
        deadline = time.perf_counter() + budget_s
        try:
            bgr = np.ascontiguousarray(pixels[:, :, ::-1])
            corners = _detected(models, bgr, budget_s)
            if corners is None:
                return CUT_SHORT
            lines, read = [], 0
            for quad in sorted(corners, key=_height, reverse=True)[:_MAX_LINES]:
                if time.perf_counter() >= deadline:
                    break
                line = _read_line(models, bgr, quad, deadline)
                read += 1
                if line is not None:
                    lines.append(line)
        except Exception as error:  # whatever the models' library raises for odd input
            raise EncoderError(f"Reading the text on a picture failed: {error}") from error
        lines.sort(key=lambda line: line.box.y1)
        return Reading(tuple(lines), complete=read == len(corners))

    def close(self) -> None:
        """Free the models. May be called twice."""
        with self._lock:
            self._models = None

    def _loaded(self) -> _Models:
        with self._lock:
            if self._models is None:
                try:
                    self._models = _load(self._threads)
                except Exception as error:  # as above
                    raise EncoderError(f"The OCR models cannot be loaded: {error}") from error
            return self._models


def is_installed() -> bool:
    """Whether the extra ``ocr`` is there."""
    return find_spec("rapidocr") is not None


def _load(threads: int) -> _Models:
    from rapidocr import RapidOCR
    from rapidocr.ch_ppocr_det import TextDetector
    from rapidocr.ch_ppocr_rec import TextRecognizer

    params = {
        "Global.log_level": "error",
        "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
    }
    config = RapidOCR(params=params).cfg
    for part in (config.Det, config.Rec):
        part.engine_cfg = config.EngineConfig[part.engine_type.value]
        part.model_root_dir = config.Global.model_root_dir
    config.Rec.font_path = None
    models = _Models(TextDetector(config.Det), TextRecognizer(config.Rec), 0.0)
    blank = np.zeros((LEAST_SIDE, LEAST_SIDE, 3), np.uint8)
    taken = []
    for _ in range(_TRIALS):  # the first is slower than all others
        started = time.perf_counter()
        _probabilities(models, blank)
        taken.append(time.perf_counter() - started)
    models.seconds_per_pixel = min(taken) / LEAST_SIDE**2
    return models


def _detected(models: _Models, bgr: Pixels, seconds: float) -> list[NDArray[np.float32]] | None:
    """Corners ``(4, 2)`` of lines in pixels, clockwise from the top left of the text.

    ``None`` if it would take all of the ``seconds`` and more.
    """
    import cv2

    height, width = bgr.shape[:2]
    affordable = seconds / models.seconds_per_pixel
    new_width, new_height = _detection_size(width, height, DETECTION_SHARE * affordable)
    if new_width * new_height > affordable:
        models.passed_over()
        return None
    area = cv2.INTER_AREA if new_width < width else cv2.INTER_LINEAR
    scaled = cv2.resize(bgr, (new_width, new_height), interpolation=area)
    started = time.perf_counter()
    found = _probabilities(models, np.asarray(scaled, np.uint8))
    models.took(time.perf_counter() - started, new_width * new_height)
    corners, _ = models.detector.postprocess_op(found, (height, width))
    return [np.asarray(one, np.float32) for one in corners]


def _probabilities(models: _Models, scaled: Pixels) -> NDArray[np.float32]:
    """Of each pixel that it belongs to a line, ``(1, 1, height, width)``."""
    centred = scaled.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    found: NDArray[np.float32] = models.detector.session(centred)
    return found


def _detection_size(width: int, height: int, affordable: float) -> tuple[int, int]:
    """Width and height, multiples of 32, at which lines are looked for.

    Args:
        width: Of the picture.
        height: Of the picture.
        affordable: Pixels that there is time for.
    """
    wanted = max(SIDE / min(width, height), 1.0)
    most = min(affordable, MAX_PIXELS)
    scale = min(wanted, math.sqrt(most / (width * height)))
    scale = max(scale, LEAST_SIDE / max(width, height) if most < MAX_PIXELS else 0.0)
    sides = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in (width, height))
    new_width, new_height = sides
    return new_width, new_height


def _height(quad: NDArray[np.float32]) -> float:
    """Height of the letters of a line in pixels: the shorter side."""
    sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
    return float(min(sides[0] + sides[2], sides[1] + sides[3]) / 2)


def _read_line(
    models: _Models, bgr: Pixels, quad: NDArray[np.float32], deadline: float
) -> TextLine | None:
    from rapidocr.utils.process_img import get_rotate_crop_image

    cut = get_rotate_crop_image(bgr, quad)
    text, confidence = _recognized(models, cut)
    if confidence < UPSIDE_DOWN and time.perf_counter() < deadline:
        turned, surer = _recognized(models, np.ascontiguousarray(cut[::-1, ::-1]))
        if surer > confidence:
            text, confidence = turned, surer
    box = _around(quad, bgr.shape[1], bgr.shape[0])
    if not text or confidence < LEAST_CONFIDENCE or box is None:
        return None
    return TextLine(text, min(confidence, 1.0), box)


def _recognized(models: _Models, cut: NDArray[np.uint8]) -> tuple[str, float]:
    import cv2
    from rapidocr.ch_ppocr_rec import TextRecInput

    height, width = cut.shape[:2]
    if not height or not width:
        return "", 0.0
    if width * _LINE_HEIGHT > height * _MAX_LINE_WIDTH:  # no line is so long; its memory is
        cut = cv2.resize(cut, (_MAX_LINE_WIDTH, _LINE_HEIGHT)).astype(np.uint8)
    found = models.recognizer(TextRecInput(img=[cut]))
    return str(found.txts[0]).strip(), float(found.scores[0])


def _around(quad: NDArray[np.float32], width: int, height: int) -> Box | None:
    (x1, y1), (x2, y2) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    box = Box(max(x1 / width, 0), max(y1 / height, 0), min(x2 / width, 1), min(y2 / height, 1))
    return box if box.x1 < box.x2 and box.y1 < box.y2 else None
