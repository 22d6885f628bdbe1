"""Encoders side by side, on the same pictures in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Encoder, EncoderSpec
from shopsight.errors import ImageError, SettingsError
from shopsight.evaluate.calibration import Calibration, calibrate
from shopsight.evaluate.pictures import Picture, embed, prepare
from shopsight.evaluate.ranking import Gallery, Outcome, Problem, SearchOptions, solve
from shopsight.evaluate.resampling import Clusters, Interval
from shopsight.evaluate.tasks import Task
from shopsight.images.prepare import ImageLimits

LATENCY_QUERIES = 100
"""Pictures that latency is measured on, at most."""

TESTED = ("recall@1", "hit@1", "accuracy", "mrr", "map")
"""Figures that encoders are tested on against the first one, where they make sense."""


@dataclass(frozen=True, slots=True)
class EncoderResult:
    """What one encoder costs and reaches.

    Attributes:
        name: As it was asked for.
        fingerprint: Of its vectors.
        licence: Of its weights.
        dimension: Length of its vectors.
        vector_bytes: Of one vector, as float32.
        model_bytes: Of its model; ``None``: not known.
        figures: Name -> mean over the queries.
        calibration: ``None``: too few queries.
        no_match: Probability that the best score of a photo of something sold is above that of
            something not sold; ``None``: no such photos.
        latency_ms: ``p50`` and ``p95`` of preparing, encoding and searching one picture.
        outcome: Query by query.
    """

    name: str
    fingerprint: str
    licence: str
    dimension: int
    vector_bytes: int
    model_bytes: int | None
    figures: Mapping[str, Interval]
    calibration: Calibration | None
    no_match: Interval | None
    latency_ms: Mapping[str, float]
    outcome: Outcome

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "licence": self.licence,
            "dimension": self.dimension,
            "vector_bytes": self.vector_bytes,
            "model_bytes": self.model_bytes,
            "figures": {name: figure.as_dict() for name, figure in self.figures.items()},
            "calibration": self.calibration.as_dict() if self.calibration else None,
            "no_match_auroc": self.no_match.as_dict() if self.no_match else None,
            "latency_ms": {name: round(value, 2) for name, value in self.latency_ms.items()},
        }


@dataclass(frozen=True, slots=True)
class PairedTest:
    """An encoder against the first one, on the same queries.

    Attributes:
        figure: What was tested.
        encoder: Name of the encoder.
        against: Name of the first one.
        difference: The encoder's figure minus the first one's.
        p_value: Two-sided, see :meth:`.Clusters.p_value`; not corrected for several tests.
    """

    figure: str
    encoder: str
    against: str
    difference: Interval
    p_value: float

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "figure": self.figure,
            "encoder": self.encoder,
            "against": self.against,
            "difference": self.difference.as_dict(),
            "p_value": round(self.p_value, 4),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Encoders side by side.

    Attributes:
        title: What was measured, in words.
        unit: What the queries are: ``photos`` or ``products``.
        clusters: Groups of queries that were kept together.
        results: Per encoder, in the order asked for.
        tests: Of each encoder but the first, per figure.
        failed: Pictures that could not be used -> the reason.
        notes: What a reader must know to judge the figures.
        task: What was measured.
        problem: Its queries.
    """

    title: str
    unit: str
    clusters: int
    results: Sequence[EncoderResult]
    tests: Sequence[PairedTest]
    failed: Mapping[str, str]
    notes: Sequence[str]
    task: Task = field(repr=False)
    problem: Problem = field(repr=False)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "title": self.title,
            "queries": len(self.problem.queries),
            "clusters": self.clusters,
            "encoders": [result.as_dict() for result in self.results],
            "tests": [test.as_dict() for test in self.tests],
            "failed": dict(self.failed),
            "notes": list(self.notes),
        }


def compare(
    task: Task,
    encoders: Mapping[str, Encoder],
    *,
    limits: ImageLimits,
    options: SearchOptions | None = None,
    model_bytes: Mapping[str, int] | None = None,
    progress: Callable[[int], None] = lambda _: None,
    seed: int = 0,
) -> Comparison:
    """Measure encoders by a task. Touches no index.

    Args:
        task: What to measure.
        encoders: Name -> encoder, at least one; the others are tested against the first.
        limits: What one picture may cost.
        options: How vectors are compared.
        model_bytes: Name -> size of the model, as far as known.
        progress: Told the number of pictures encoded.
        seed: Of the random numbers of intervals and tests.

    Raises:
        SettingsError: There is no encoder.
        FeedError: Too few pictures could be used to measure anything.
        EncoderError: A model failed.
        QueryError: An encoder has no part for the focus.
    """
    if not encoders:
        raise SettingsError("There is no encoder to measure: name at least one.")
    how = options or SearchOptions()
    loaded = list(encoders.values())
    for encoder in loaded:  # before the work, so that a focus it lacks is told at once
        Gallery(encoder.spec, np.ones((1, encoder.spec.dimension), np.float32), how)
    embedded = embed(loaded, task.pictures, limits, progress)
    problem = task.problem(embedded.failed)
    galleries = [
        Gallery(encoder.spec, vectors[problem.gallery], how)
        for encoder, vectors in zip(loaded, embedded.vectors, strict=True)
    ]
    latencies = measure_latencies(task, problem, loaded, galleries, limits)
    clusters = Clusters([query.cluster for query in problem.queries], seed)
    results = [
        _result(
            name,
            encoder.spec,
            solve(problem, vectors, gallery),
            clusters,
            counted=np.array([len(query.relevant) > 0 for query in problem.queries]),
            latency_ms=latency,
            model_bytes=(model_bytes or {}).get(name),
        )
        for (name, encoder), vectors, gallery, latency in zip(
            encoders.items(), embedded.vectors, galleries, latencies, strict=True
        )
    ]
    return Comparison(
        title=task.title,
        unit=task.unit,
        clusters=clusters.count,
        results=results,
        tests=paired_tests(results, clusters),
        failed={task.pictures[row].name: why for row, why in embedded.failed.items()},
        notes=task.notes(problem),
        task=task,
        problem=problem,
    )


def paired_tests(results: Sequence[EncoderResult], clusters: Clusters) -> list[PairedTest]:
    """Test every encoder but the first against it, on the same queries."""
    first, *others = results
    tests = []
    for other in others:
        for figure in TESTED:
            if figure in first.outcome.figures:
                difference = other.outcome.figures[figure] - first.outcome.figures[figure]
                interval, p_value = clusters.interval(difference), clusters.p_value(difference)
                tests.append(PairedTest(figure, other.name, first.name, interval, p_value))
    return tests


def measure_latencies(
    task: Task,
    problem: Problem,
    encoders: Sequence[Encoder],
    galleries: Sequence[Gallery],
    limits: ImageLimits,
) -> list[dict[str, float]]:
    """Time encoders on single pictures, in turns, so that all see the same state of the machine.

    Each picture goes through all encoders, starting with another one each time. Measured from the
    picture's bytes to the whole gallery ranked.

    Returns:
        Per encoder ``p50`` and ``p95`` in milliseconds.
    """
    rows = [query.row for query in problem.queries if query.row is not None]
    chosen = rows[:: max(1, -(-len(rows) // LATENCY_QUERIES))]
    times: list[list[float]] = [[] for _ in encoders]
    for turn, row in enumerate(chosen[:1] + chosen):  # the first warms up
        picture: Picture = task.pictures[row]
        try:
            data = picture.load()
        except ImageError:  # it was there a moment ago
            continue
        for step in range(len(encoders)):
            number = (turn + step) % len(encoders)
            start = time.perf_counter()
            pixels = prepare(data, picture.box, encoders[number].spec.preprocessing, limits)
            galleries[number].ranked(encoders[number].encode_images(pixels[None])[0])
            if turn:
                times[number].append((time.perf_counter() - start) * 1000)
    return [
        {f"p{share}": float(np.percentile(taken or [0.0], share)) for share in (50, 95)}
        for taken in times
    ]


def _result(
    name: str,
    spec: EncoderSpec,
    outcome: Outcome,
    clusters: Clusters,
    *,
    counted: NDArray[np.bool_],
    latency_ms: Mapping[str, float],
    model_bytes: int | None,
) -> EncoderResult:
    """Sum up. Counted are the queries that have a right answer in the gallery."""
    answered = ~np.isnan(outcome.scores)
    absent = outcome.absent_scores
    calibration = calibrate(
        np.concatenate([outcome.scores[answered], absent]),
        np.concatenate([outcome.right[answered], np.zeros(len(absent), np.bool_)]),
        np.concatenate([clusters.number[answered], clusters.count + np.arange(len(absent))]),
    )
    no_match = (
        clusters.separation(outcome.scores, absent, counted & answered)
        if len(absent) and (counted & answered).any()
        else None
    )
    return EncoderResult(
        name=name,
        fingerprint=spec.fingerprint,
        licence=spec.licence,
        dimension=spec.dimension,
        vector_bytes=spec.dimension * np.dtype(np.float32).itemsize,
        model_bytes=model_bytes,
        figures={key: clusters.interval(values) for key, values in outcome.figures.items()},
        calibration=calibration,
        no_match=no_match,
        latency_ms=latency_ms,
        outcome=outcome,
    )
