"""Which of the boxes on a picture count, and which one is meant. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from shopsight.images.boxes import WHOLE, Box, intersection, iou
from shopsight.regions.base import Region

SAME_IOU = 0.55
"""Boxes that overlap more are of the same thing."""

PART_INSIDE = 0.85
"""A box with this share of its area inside a more confident one is part of that thing."""

WHOLE_IOU = 0.9
"""A box that is so like the whole picture says nothing."""

SIZE_WEIGHT, CENTRE_WEIGHT = 0.25, 0.5
"""Exponents with which size and centrality count for the main subject, beside the confidence."""

MOST_TRUST = 0.7
"""Share of the main subject in what is searched by default, if it is sure."""

LEAST_SHARE = 0.5
"""An object worth showing is at least this confident, relative to the main subject."""


def suppressed(regions: Iterable[Region], iou_limit: float = SAME_IOU) -> tuple[Region, ...]:
    """Regions without duplicates, parts of others, and boxes of the whole picture.

    Greedy: the most confident region stays, and those too like it go (non-maximum suppression).

    Args:
        regions: In any order.
        iou_limit: Intersection over union, 0 to 1, above which two boxes are of the same thing.

    Returns:
        Those that stay, most confident first; the order of equals is that of their boxes.
    """
    kept: list[Region] = []
    for region in sorted(regions, key=lambda region: (-region.confidence, region.box)):
        if iou(region.box, WHOLE) > WHOLE_IOU or not region.box.area:
            continue
        if not any(_same(region.box, other.box, iou_limit) for other in kept):
            kept.append(region)
    return tuple(kept)


def main_subject(regions: Sequence[Region]) -> Region | None:
    """What the picture is of: confident, large, and near the middle.

    Args:
        regions: As a finder returns them.

    Returns:
        One of them; ``None`` if there are none.
    """
    return max(regions, key=prominence, default=None)


def prominence(region: Region) -> float:
    """How much a region looks like the main subject: 0 to 1.

    Its confidence, times the square root of the side of a square of its size, times the closeness
    of its middle to the picture's.
    """
    box = region.box
    across, down = (box.x1 + box.x2 - 1) / math.sqrt(2), (box.y1 + box.y2 - 1) / math.sqrt(2)
    closeness = max(1 - math.hypot(across, down), 0.0)
    size = min(box.area, 1.0)
    return float(region.confidence * size**SIZE_WEIGHT * closeness**CENTRE_WEIGHT)


def subject_share(subject: Region) -> float:
    """How much the main subject counts beside the whole picture where nobody chose a box.

    Searching ``share * subject + (1 - share) * whole`` (their unit vectors, the sum scaled to unit
    length) finds more than either: the subject alone lacks what was cut off where its box is wrong,
    such as on shelves full of one product.

    Returns:
        0 to 0.7, in proportion to the subject's confidence.
    """
    return MOST_TRUST * subject.confidence


def objects(regions: Sequence[Region], limit: int = 6) -> tuple[Region, ...]:
    """Those worth showing as boxes to select.

    Args:
        regions: As a finder returns them.
        limit: How many at most; at least 1.

    Returns:
        The main subject and what is about as confident, most confident first.
    """
    subject = main_subject(regions)
    if subject is None:
        return ()
    others = [
        region
        for region in regions
        if region is not subject and region.confidence >= LEAST_SHARE * subject.confidence
    ]
    chosen = [subject, *sorted(others, key=prominence, reverse=True)[: limit - 1]]
    return tuple(sorted(chosen, key=lambda region: (-region.confidence, region.box)))


def _same(box: Box, other: Box, iou_limit: float) -> bool:
    if iou(box, other) > iou_limit:
        return True
    return intersection(box, other) > PART_INSIDE * box.area
