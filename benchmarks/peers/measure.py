"""Measures one pipeline on one set of photos, in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from photo_sets import DataSet
from pipeline import Picture, Pipeline, Training

LIMIT = 5
WARM = 8
"""Pictures indexed and photos asked with before anything is timed."""

HOMES = {
    "shopsight": ("ours", "Shopsight"),
    "imagenet-faiss": ("imagenet_faiss", "ImagenetFaiss"),
    "textbook": ("textbook", "Textbook"),
}
"""Name of each pipeline -> its module and class. Modules load only what they need."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one pipeline did on one gallery.

    Attributes:
        recall_1: Share of the photos whose product came first, 0 to 1.
        recall_5: Share of the photos whose product was among the first five.
        index_per_s: Pictures per second, from files on the disk to an index that answers.
        query_ms: Median milliseconds from a photo file to ids.
    """

    recall_1: float
    recall_5: float
    index_per_s: float
    query_ms: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pipeline did on one set of photos.

    Attributes:
        training: How its training went, if it has any.
        galleries: Name of the gallery -> figures.
    """

    training: Training | None
    galleries: dict[str, Figures]


def run(name: str, options: dict[str, Any], data: DataSet) -> Outcome:
    """Measure a pipeline. Meant to run in a fresh process: it binds it to ``threads`` cores.

    Args:
        name: One of ``HOMES``.
        options: What the pipeline is made with; ``threads`` among them.
        data: The photos.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: options["threads"]]
        os.sched_setaffinity(0, cores)
    module, kind = HOMES[name]
    pipeline: Pipeline = getattr(import_module(module), kind)(**options)
    try:
        training = pipeline.fit(data.training)
        galleries = {
            gallery: figures(pipeline, pictures, data.queries)
            for gallery, pictures in data.galleries.items()
        }
    finally:
        pipeline.close()
    return Outcome(training, galleries)


def figures(pipeline: Pipeline, pictures: Sequence[Picture], queries: Sequence[Picture]) -> Figures:
    """Index pictures, ask with every photo, and time both."""
    pipeline.index(pictures[:WARM])
    for query in queries[:WARM]:
        pipeline.query(query.path, LIMIT)
    started = time.perf_counter()
    pipeline.index(pictures)
    indexing = time.perf_counter() - started
    for query in queries[:WARM]:
        pipeline.query(query.path, LIMIT)
    ranks, times = [], []
    for query in queries:
        started = time.perf_counter()
        found = pipeline.query(query.path, LIMIT)
        times.append(time.perf_counter() - started)
        ranks.append(found.index(query.product_id) if query.product_id in found else LIMIT)
    return Figures(
        recall_1=float(np.mean(np.array(ranks) < 1)),
        recall_5=float(np.mean(np.array(ranks) < LIMIT)),
        index_per_s=len(pictures) / indexing,
        query_ms=float(np.median(times)) * 1000,
    )
