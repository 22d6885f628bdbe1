"""A comparison as one HTML file that needs nothing else: no network, no other files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from shopsight.evaluate.compare import Comparison, EncoderResult
from shopsight.evaluate.examples import Example, differing
from shopsight.evaluate.html_page import failed_pictures, page, shown, table, write_page
from shopsight.evaluate.plot import intervals
from shopsight.evaluate.resampling import RESAMPLES, SIGNS, Interval
from shopsight.images.prepare import ImageLimits

LABELS = {
    "mrr": "MRR",
    "map": "mAP",
    "ndcg@10": "nDCG@10",
    "accuracy": "1-NN accuracy",
}
"""Figures that people write otherwise than programs."""

_METHOD = f"""<p class="quiet">Every encoder saw the same pictures in the same run, each compared
with all others that are searched. Intervals are 95 % percentile bootstrap intervals of
{RESAMPLES:,} resamples that keep queries of one product, group or value together (a cluster).
p-values are of a paired randomisation test ({SIGNS:,} random signs per cluster), two-sided, not
corrected for several tests. Calibration: a logistic curve from the score of the first answer to the
probability that it is right, fitted and measured by five-fold cross-validation; the error is the
expected calibration error with ten bins of equal count. No match: the probability that a photo of
something sold scores above one of something not sold. Latency: one picture at a time, encoders in
turns, from bytes to ranks.</p>"""


def write_report(comparison: Comparison, path: Path, limits: ImageLimits) -> None:
    """Write a comparison as an HTML file.

    Args:
        comparison: What to show.
        path: The file; replaced if it is there.
        limits: What one picture of the examples may cost.

    Raises:
        StorageError: It cannot be written.
    """
    write_page(path, report(comparison, differing(comparison, limits)))


def report(comparison: Comparison, examples: Sequence[Example]) -> str:
    """A comparison as an HTML page; everything in it is inline."""
    queries = len(comparison.problem.queries)
    clusters = f"{comparison.clusters} clusters"
    body = [
        "<h1>Encoders compared</h1>",
        f'<p class="quiet">{escape(comparison.title)}; {queries} queries in {clusters}.</p>',
        *(f"<p>{escape(note)}</p>" for note in comparison.notes),
        "<h2>Figures</h2>",
        _figures(comparison.results),
        "<h2>95 % intervals</h2>",
        _plots(comparison.results),
        *_tests(comparison),
        "<h2>Cost and confidence</h2>",
        _costs(comparison.results),
        *_examples(comparison, examples),
        *failed_pictures(comparison.failed),
        "<h2>How it was measured</h2>",
        _METHOD,
    ]
    return page("Encoders compared", body)


def label(figure: str) -> str:
    """A figure's name as people write it."""
    return LABELS.get(figure, figure)


def size_text(count: int | None) -> str:
    """A number of bytes as people write it, or a dash."""
    if count is None:
        return "-"
    if count < 10_000:  # noqa: PLR2004  # vectors in bytes, models in megabytes
        return f"{count:,} B"
    return f"{count / 1e6:,.1f} MB"


COSTS: Mapping[str, Callable[[EncoderResult], str]] = {
    "calibration error": lambda one: f"{one.calibration.error:.3f}" if one.calibration else "-",
    "Brier score": lambda one: f"{one.calibration.brier:.3f}" if one.calibration else "-",
    "no match AUROC": lambda one: _spread(one.no_match) if one.no_match else "-",
    "latency p50": lambda one: f"{one.latency_ms['p50']:.1f} ms",
    "latency p95": lambda one: f"{one.latency_ms['p95']:.1f} ms",
    "dimension": lambda one: str(one.dimension),
    "vector": lambda one: size_text(one.vector_bytes),
    "model": lambda one: size_text(one.model_bytes),
    "licence": lambda one: one.licence,
}
"""What is known of an encoder besides its figures: name -> as text."""


def _spread(one: Interval) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _figures(results: Sequence[EncoderResult]) -> str:
    names = list(results[0].figures)
    best = {name: max(result.figures[name].value for result in results) for name in names}

    def cell(result: EncoderResult, name: str) -> str:
        one = result.figures[name]
        mark = ' class="best"' if one.value == best[name] and len(results) > 1 else ""
        return f"<td{mark}>{one.value:.3f}<small>{one.low:.3f} to {one.high:.3f}</small></td>"

    rows = [
        f"<td>{escape(result.name)}</td>" + "".join(cell(result, name) for name in names)
        for result in results
    ]
    return table(["encoder", *map(label, names)], rows)


def _plots(results: Sequence[EncoderResult]) -> str:
    drawn = [
        f"<figure><figcaption>{escape(label(name))}</figcaption>"
        + intervals(label(name), {result.name: result.figures[name] for result in results})
        + "</figure>"
        for name in results[0].figures
    ]
    return f'<div class="plots">{"".join(drawn)}</div>'


def _tests(comparison: Comparison) -> list[str]:
    if not comparison.tests:
        return []
    rows = [
        f"<td>{escape(test.encoder)}</td><td>{escape(label(test.figure))}</td>"
        f"<td>{test.difference.value:+.3f}"
        f"<small>{test.difference.low:+.3f} to {test.difference.high:+.3f}</small></td>"
        f"<td>{p_text(test.p_value)}</td>"
        for test in comparison.tests
    ]
    heading = f"<h2>Against {escape(comparison.tests[0].against)}</h2>"
    return [heading, table(["encoder", "figure", "difference", "p-value"], rows)]


def p_text(p_value: float) -> str:
    """A p-value as people write it."""
    return f"{p_value:.4f}" if p_value > 1 / SIGNS else f"≤ {1 / SIGNS:.4f}"


def _costs(results: Sequence[EncoderResult]) -> str:
    rows = [
        f"<td>{escape(result.name)}</td>"
        + "".join(f"<td>{escape(text(result))}</td>" for text in COSTS.values())
        for result in results
    ]
    return table(["encoder", *COSTS], rows)


def _examples(comparison: Comparison, examples: Sequence[Example]) -> list[str]:
    if not examples:
        return []
    words = f"{comparison.unit} whose first answer is right with some and wrong with others"
    found = [f"<h2>Where they differ</h2><p>{len(examples)} {words}.</p>"]
    for example in examples:
        parts = [shown("searched", example.query)]
        parts += [shown("expected", one) for one in example.expected]
        parts += [shown(name, one) for name, one in example.answers]
        found.append(f'<div class="example">{"".join(parts)}</div>')
    return found
