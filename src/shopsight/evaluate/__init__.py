"""Measures how well photos find their products, and compares encoders by it."""

from __future__ import annotations

from shopsight.evaluate.compare import Comparison, compare
from shopsight.evaluate.metrics import average_precision, ndcg_at, recall_at
from shopsight.evaluate.photos import DEPTH, RECALL_AT, Evaluation, evaluate
from shopsight.evaluate.pictures import catalogue_pictures
from shopsight.evaluate.ranking import SearchOptions
from shopsight.evaluate.tasks import PhotosToProducts, labelled_photos, same_field

__all__ = [
    "DEPTH",
    "RECALL_AT",
    "Comparison",
    "Evaluation",
    "PhotosToProducts",
    "SearchOptions",
    "average_precision",
    "catalogue_pictures",
    "compare",
    "evaluate",
    "labelled_photos",
    "ndcg_at",
    "recall_at",
    "same_field",
]
