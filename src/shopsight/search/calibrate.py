"""Fits the confidence of an index to itself: without labels, or better with some."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shopsight.search.confidence import Calibration, Samples
from shopsight.search.confidence_cases import (
    Labelled,
    Picture,
    Ranking,
    Searches,
    Seen,
    Simulator,
    sampled,
)
from shopsight.search.confidence_fit import cross_checked, fit_curve

__all__ = ["Calibration", "Labelled", "Picture", "Ranking", "Searches", "fit", "outdated"]

VIEWS = 300
"""Made-up photos: 95 % intervals of a share are then at most 6 points to either side."""

LEAST_GROUPS = 8
"""With fewer item groups there is nothing to compare a score with, and nothing is fitted."""

CHANGED = 0.1
"""Share of the products by which an index may grow or shrink before it is calibrated again."""

_VIEWS_PER_PICTURE = 3


def fit(
    pictures: Iterable[Picture],
    searches: Searches,
    *,
    version: str,
    fingerprint: str,
    products: int,
    labels: Iterable[Labelled] = (),
    views: int = VIEWS,
    progress: Callable[[int, int], None] | None = None,
    seen: Seen = lambda _picture, _vector: None,
    seed: int = 0,
) -> Calibration | None:
    """Fit a calibration to an index.

    Goes through all of ``pictures`` once, keeps a sample, and loads only that. The same arguments
    give the same calibration.

    Args:
        pictures: All pictures of the index.
        searches: How they are encoded and searched.
        version: Name of the index version.
        fingerprint: Of the encoder.
        products: How many are in the index.
        labels: Labelled photos, where there are some.
        views: Photos made up at most.
        progress: Told how many photos of how many are done.
        seen: Told of each photo that was made up, for what else can be learnt from it.
        seed: Of the sample and the views.

    Returns:
        ``None`` where there are fewer than :data:`LEAST_GROUPS` item groups with usable pictures.

    Raises:
        EncoderError: The encoder failed.
        VectorIndexError: The index failed.
    """
    sample = sampled(pictures, views, seed)
    if len({picture.group for picture in sample}) < LEAST_GROUPS:
        return None
    photos = list(labels)
    made = min(views, _VIEWS_PER_PICTURE * len(sample))
    simulator = Simulator(searches, seed, _counter(made + len(photos), progress), seen)
    used = simulator.add_views(sample, made)
    if len({case.name for case in simulator.cases}) < LEAST_GROUPS:
        return None
    shown = sum(case.present for case in simulator.cases)
    present, absent = simulator.add_photos(photos)
    curve = fit_curve(simulator.cases)
    return Calibration(
        version=version,
        fingerprint=fingerprint,
        weights=curve.weights,
        offset=curve.offset,
        temperature=curve.temperature,
        threshold=curve.threshold,
        absent_share=curve.absent_share,
        products=products,
        samples=Samples(pictures=used, views=shown, photos=present, absent_photos=absent),
        reliability=cross_checked(simulator.cases, seed),
    )


def outdated(
    calibration: Calibration | None, version: str, fingerprint: str, products: int
) -> bool:
    """Whether an index should be calibrated (again).

    Args:
        calibration: What there is.
        version: Name of the index version that serves.
        fingerprint: Of the encoder in use.
        products: In the index now.

    Returns:
        Whether there is none, it is another index's or encoder's, or the number of products has
        changed by more than :data:`CHANGED`.
    """
    if calibration is None:
        return products >= LEAST_GROUPS
    if (calibration.version, calibration.fingerprint) != (version, fingerprint):
        return True
    return abs(products - calibration.products) > CHANGED * calibration.products


def _counter(total: int, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return one_more
