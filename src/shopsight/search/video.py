"""Searching with a video: which frames are worth a search, and what they show together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.video import Frame

MAX_FRAMES = 24
"""Frames of a video that are searched, unless told otherwise."""

EVERY_S = 1.0
"""Seconds of a shot from which one frame is taken."""

_ALWAYS = 6
"""Frames that are searched even if a clip is short and cuts often."""

_CUT = 0.35
"""Share of pixels that change colour when the camera cuts; a pan within a second changes less."""

_LEVELS = 4
"""Steps per channel of the colours that cuts are told by."""

_THUMBNAIL = (16, 16)

_ALIKE_PER_S = 0.02
"""How different, 0 to 1, two frames a second apart count more than they look."""

_DECAY = 0.5
"""What a product's next best frame adds, compared with the one before."""

_EXPLAINED = 0.25
"""What an object still says for products after another one, nearly its best, was chosen for it."""

_NEARLY = 0.9
_SEEN = 0.5

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrameHit:
    """A product found on a frame.

    Attributes:
        product_id: The product.
        score: Cosine similarity of the object and the product's best picture, -1 to 1.
        confidence: Probability that it is this product, 0 to 1, where that is known.
        record: Key of that picture in the index.
        box: The object it was found for; hits with the same box compete with each other.
    """

    product_id: str
    score: float
    confidence: float | None = None
    record: str = ""
    box: Box = WHOLE

    @property
    def strength(self) -> float:
        """How much it says, 0 to 1: the confidence, or a steep function of the score."""
        return self.confidence if self.confidence is not None else max(self.score, 0.0) ** 4


@dataclass(frozen=True, slots=True)
class FrameHits:
    """What was found on one frame.

    Attributes:
        time_s: Seconds after the first frame.
        hits: Of all its objects, in any order.
    """

    time_s: float
    hits: Sequence[FrameHit]


@dataclass(frozen=True, slots=True)
class SeenProduct:
    """A product that a video shows.

    Attributes:
        product_id: The product.
        best_s: Seconds after the first frame at which it is seen best.
        seen_s: All times at which it was seen, of the frames that were searched.
        hit: What was found at the best time.
        evidence: What the ranking is by: 0 to 2, where 1 is one frame without a doubt.
    """

    product_id: str
    best_s: float
    seen_s: tuple[float, ...]
    hit: FrameHit
    evidence: float


@dataclass(frozen=True, slots=True)
class VideoFinds:
    """Answer to a video.

    Attributes:
        products: Best first.
        searched_s: Times of the frames that were searched.
    """

    products: tuple[SeenProduct, ...]
    searched_s: tuple[float, ...]


def find_products(
    frames: Iterable[Frame],
    search_frame: Callable[[Image.Image], Sequence[FrameHit]],
    *,
    budget: int = MAX_FRAMES,
    limit: int = 10,
) -> VideoFinds:
    """Search the frames of a video that are worth it.

    Args:
        frames: From :func:`shopsight.images.video.read_frames`.
        search_frame: Searches one frame as a photo: all objects, a few hits for each.
        budget: Frames searched, at most.
        limit: Products wanted.

    Raises:
        DecodeError: The video cannot be used; nothing was searched then.
    """
    chosen = chosen_frames(frames, budget=budget)
    hits = [FrameHits(frame.time_s, search_frame(frame.image)) for frame in chosen]
    return VideoFinds(tuple(merged(hits, limit=limit)), tuple(frame.time_s for frame in chosen))


@dataclass(slots=True)
class _Look:
    """A frame, and what it looks like."""

    frame: Frame
    sharpness: float
    colors: Pixels
    thumbnail: Pixels

    @classmethod
    def at(cls, frame: Frame) -> _Look:
        small = frame.image.resize(_THUMBNAIL, Image.Resampling.BOX)
        thumbnail = np.array(small, np.float32)
        return cls(frame, sharpness(frame.image), _colors(thumbnail), thumbnail)


def chosen_frames(
    frames: Iterable[Frame], *, budget: int = MAX_FRAMES, every_s: float = EVERY_S
) -> list[Frame]:
    """The frames that are worth a search: the sharpest of each shot, and of each second of it.

    Frames are too many when there are more than the budget, or more than one per second and also
    more than six, as in a short clip with many cuts. Then those are left out that look like their
    neighbours. Needs memory for twice the budget, however long the video is.

    Args:
        frames: In the order of their times.
        budget: Frames wanted at most, at least 1.
        every_s: Seconds of a shot from which one is taken.

    Returns:
        In the order of their times; empty only if there are no frames.
    """
    if budget < 1:
        raise ValueError(f"the budget is {budget} frames: at least 1 is needed")
    kept: list[_Look] = []
    seconds = 0.0
    for look in _sharpest(frames, every_s):
        kept.append(look)
        seconds = look.frame.time_s
        if len(kept) > 2 * budget:
            _thin(kept, budget)
    _thin(kept, min(budget, max(_ALWAYS, math.ceil(seconds))))
    return [look.frame for look in kept]


def sharpness(image: Image.Image) -> float:
    """How sharp a picture is: the variance of its Laplacian.

    Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy (ICPR 2000). Only values of
    pictures of one scene can be compared.
    """
    light = np.asarray(image.convert("L"), np.float32)
    if min(light.shape) < 3:  # noqa: PLR2004  # the Laplacian looks at neighbours on both sides
        return 0.0
    middle = light[1:-1, 1:-1]
    around = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:]
    return float((around - 4 * middle).var())


def _sharpest(frames: Iterable[Frame], every_s: float) -> Iterator[_Look]:
    """The sharpest frame of each piece of a shot that is no longer than ``every_s``."""
    best: _Look | None = None
    last: _Look | None = None
    begun = 0.0
    for frame in frames:
        look = _Look.at(frame)
        cut = last is not None and _changed(last.colors, look.colors) > _CUT
        if best is not None and (cut or frame.time_s - begun >= every_s):
            yield best
            best = None
        if best is None:
            best, begun = look, frame.time_s
        elif look.sharpness > best.sharpness:
            best = look
        last = look
    if best is not None:
        yield best


def _thin(kept: list[_Look], budget: int) -> None:
    """Leave frames out until the budget is met: of the two most alike neighbours the blurred."""
    while len(kept) > budget:
        apart = [_apart(one, other) for one, other in pairwise(kept)]
        if not apart:
            return
        at = int(np.argmin(apart))
        del kept[at if kept[at].sharpness < kept[at + 1].sharpness else at + 1]


def _apart(one: _Look, other: _Look) -> float:
    seconds = other.frame.time_s - one.frame.time_s
    looks = float(np.abs(one.thumbnail - other.thumbnail).mean()) / 255
    return looks + _ALIKE_PER_S * seconds


def _colors(thumbnail: Pixels) -> Pixels:
    """Shares of coarse colours, ``(64,)``: of few pixels, which do not change out of focus."""
    steps = thumbnail.astype(np.int64) * _LEVELS // 256
    bins = (steps[..., 0] * _LEVELS + steps[..., 1]) * _LEVELS + steps[..., 2]
    counts = np.bincount(bins.ravel(), minlength=_LEVELS**3)
    shares: Pixels = (counts / counts.sum()).astype(np.float32)
    return shares


def _changed(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one - other).sum()) / 2


@dataclass(slots=True)
class _Evidence:
    """What is known of one product: by frame and object, what the hit says, and the hit.

    Objects that another product explains keep only a share of what they say.
    """

    frames: dict[int, dict[Box, tuple[float, FrameHit]]] = field(default_factory=dict)
    shares: dict[tuple[int, Box], float] = field(default_factory=dict)

    def weaken(self, frame: int, box: Box) -> None:
        key = frame, box
        self.shares[key] = self.shares.get(key, 1.0) * _EXPLAINED

    def best(self, frame: int) -> tuple[float, FrameHit]:
        return max(self.frames[frame].values(), key=lambda pair: pair[0])

    def total(self) -> float:
        """The best run of neighbouring frames: the best frame counts fully, others less each."""
        runs: list[list[float]] = []
        for frame in sorted(self.frames):
            if frame - 1 not in self.frames:
                runs.append([])
            says = (
                says * self.shares.get((frame, box), 1.0)
                for box, (says, _) in self.frames[frame].items()
            )
            runs[-1].append(max(says))
        return max(
            sum(each * _DECAY**place for place, each in enumerate(sorted(run, reverse=True)))
            for run in runs
        )


def merged(frames: Sequence[FrameHits], *, limit: int = 10) -> list[SeenProduct]:
    """What the frames of a video show together.

    A hit counts its strength, divided by its rank among the hits of its object. Of each product the
    best run of neighbouring frames counts: its best frame fully, each further one half of the one
    before. So a product that was found once without a doubt, or several times in a row, comes
    before one that weakly appears here and there. Products are chosen one after the other; where a
    chosen one explains an object, that object says little for others any more. So all things that
    are shown come before the variants of the clearest one.

    Args:
        frames: In the order of their times.
        limit: Products wanted.
    """
    ranked = [_ranked(frame.hits) for frame in frames]
    known: dict[str, _Evidence] = {}
    for number, objects in enumerate(ranked):
        for hits in objects.values():
            for place, hit in enumerate(hits, 1):
                evidence = known.setdefault(hit.product_id, _Evidence())
                evidence.frames.setdefault(number, {})[hit.box] = hit.strength / place, hit
    found: list[SeenProduct] = []
    while known and len(found) < limit:
        totals = {key: evidence.total() for key, evidence in known.items()}
        chosen = max(totals, key=lambda key: (totals[key], key))
        evidence = known.pop(chosen)
        _explain(evidence, ranked, known)
        found.append(_seen(chosen, evidence, frames, totals[chosen]))
    return found


def _ranked(hits: Sequence[FrameHit]) -> dict[Box, list[FrameHit]]:
    """Hits by object, the strongest first; each product once per object."""
    objects: dict[Box, dict[str, FrameHit]] = {}
    for hit in sorted(hits, key=lambda hit: -hit.score):
        objects.setdefault(hit.box, {}).setdefault(hit.product_id, hit)
    return {box: list(found.values()) for box, found in objects.items()}


def _explain(
    chosen: _Evidence,
    ranked: Sequence[Mapping[Box, Sequence[FrameHit]]],
    known: Mapping[str, _Evidence],
) -> None:
    for number, objects in chosen.frames.items():
        for box, (_, hit) in objects.items():
            rivals = ranked[number][box]
            if hit.strength >= _NEARLY * max(rival.strength for rival in rivals):
                for rival in rivals:
                    if rival.product_id in known:
                        known[rival.product_id].weaken(number, box)


def _seen(
    product_id: str, evidence: _Evidence, frames: Sequence[FrameHits], total: float
) -> SeenProduct:
    says = {number: evidence.best(number)[0] for number in sorted(evidence.frames)}
    best = max(says, key=lambda number: says[number])
    seen = tuple(frames[number].time_s for number in says if says[number] >= _SEEN * says[best])
    return SeenProduct(product_id, frames[best].time_s, seen, evidence.best(best)[1], total)
