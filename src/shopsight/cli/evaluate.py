"""The command that measures: one shop as it is, or encoders side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shopsight.cli.common import (
    DataOption,
    JsonOption,
    open_shop,
    print_json,
    print_table,
    settings_of,
)
from shopsight.cli.evaluate_options import (
    CropMarginOption,
    CropOption,
    EncodersOption,
    GalleryOption,
    GroupColumnOption,
    LabelColumnOption,
    LabelsOption,
    OnlyOption,
    PhotosArgument,
    RegionsOption,
    ReportOption,
    SameOption,
    TaskOption,
)
from shopsight.cli.evaluate_recognition import Asked, evaluate_task
from shopsight.cli.photos import FocusOption
from shopsight.images.boxes import MARGIN
from shopsight.search.focus import Focus

if TYPE_CHECKING:
    from shopsight.evaluate import Comparison, Evaluation
    from shopsight.evaluate.resampling import Interval
    from shopsight.evaluate.tasks import Task
    from shopsight.images.prepare import ImageLimits
    from shopsight.settings import Settings
    from shopsight.wiring import Shop

SHOWN_FAILURES = 5
"""Pictures that could not be used, by name: the rest are counted."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options say, besides what is measured."""

    encoders: Sequence[str]
    only: Mapping[str, Sequence[str]]
    boxes: bool
    margin: float
    focus: Focus
    regions: bool
    json_output: bool
    report: Path | None


def evaluate(
    context: typer.Context,
    photos: PhotosArgument = None,
    encoders: EncodersOption = "",
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    group_column: GroupColumnOption = None,
    task: TaskOption = None,
    gallery: GalleryOption = None,
    same: SameOption = None,
    crop: CropOption = "none",
    crop_margin: CropMarginOption = MARGIN,
    only: OnlyOption = None,
    focus: FocusOption = Focus.BALANCED,
    regions: RegionsOption = None,
    report: ReportOption = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Measure how well photos find their products, and compare encoders."""
    from shopsight.settings import load_settings

    if sum(given is not None for given in (photos, labels, same)) != 1:
        raise typer.BadParameter("give one of PHOTOS.csv, --labels and --same")
    if gallery is not None and task != "classify":
        raise typer.BadParameter("--gallery goes with --task classify")
    names = [name.strip() for name in encoders.split(",") if name.strip()]
    rows = choices(only or [])
    looks = load_settings().regions if regions is None else regions
    boxes = crop == "box"
    if task is not None:
        if photos is None or names or boxes:
            raise typer.BadParameter("--task takes PHOTOS.csv, without --encoders and --crop")
        subject = Asked(
            photos, task, label_column, group_column, gallery, rows, looks, json_output, report
        )
        evaluate_task(context, data, subject)
        return
    asked = _Asked(names, rows, boxes, crop_margin, focus, looks and not boxes, json_output, report)
    if labels is not None:
        column = label_column or "label"
        _compare(
            settings_of(context, data),
            lambda limits: _labels(labels, column, group_column, asked, limits),
            asked,
        )
        return
    with open_shop(context, data) as shop:
        if photos is not None and not names and report is None:
            _as_it_is(shop, photos, asked)
        else:
            _compare(shop.settings, lambda limits: _task(shop, photos, same, asked, limits), asked)


def choices(given: Sequence[str]) -> dict[str, list[str]]:
    """``COLUMN=VALUE`` options: column -> its values."""
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"--only {text!r} is not of the form COLUMN=VALUE")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def _as_it_is(shop: Shop, photos: Path, asked: _Asked) -> None:
    """Measure the shop's own search: its index, its encoder, its latency."""
    from shopsight import evaluate as evaluation
    from shopsight.cli.progress import counted_progress
    from shopsight.evaluate.pictures import cut_out
    from shopsight.photo_lists import read_photo_list
    from shopsight.search.weights import check_focus

    labelled = read_photo_list(photos, only=asked.only, boxes=asked.boxes, margin=asked.margin)
    limits = _limits(shop.settings)
    shop.warm()
    spec = shop.encoder.spec
    check_focus(spec, asked.focus)
    with counted_progress("Evaluating", len(labelled.photos)) as progress:
        result = evaluation.evaluate(
            labelled,
            lambda photo: shop.search(
                photo, limit=evaluation.DEPTH, focus=asked.focus, regions=asked.regions
            ),
            known_products=shop.catalog.get,
            progress=progress,
            cut=lambda photo: cut_out(photo, spec.preprocessing, limits),
        )
    if asked.json_output:
        print_json(result.as_dict())
    else:
        _print_evaluation(str(photos), result)


def _print_evaluation(photos: str, result: Evaluation) -> None:
    rows = [[f"recall@{k}", f"{value:.3f}"] for k, value in result.recall.items()]
    rows += [
        ["MRR", f"{result.mrr:.3f}"],
        ["nDCG@10", f"{result.ndcg_at_10:.3f}"],
        ["mAP", f"{result.mean_average_precision:.3f}"],
        ["latency p50", f"{result.latency_ms['p50']:.1f} ms"],
        ["latency p95", f"{result.latency_ms['p95']:.1f} ms"],
    ]
    print_table(f"{result.photos} photos of {photos}", {"figure": "left", "value": "right"}, rows)
    for count, what in (
        (result.unlabelled, "rows without a product were left out"),
        (
            result.unknown_products,
            "products of the list are not in the index: their photos cannot succeed",
        ),
    ):
        if count:
            typer.echo(f"{count} {what}.", err=True)
    print_failed(result.failed, "photos could not be used and count as not found")


def _labels(
    path: Path, label_column: str, group_column: str | None, asked: _Asked, limits: ImageLimits
) -> Task:
    from shopsight.evaluate import labelled_photos

    return labelled_photos(
        path,
        limits,
        label_column=label_column,
        group_column=group_column,
        only=asked.only,
        boxes=asked.boxes,
        margin=asked.margin,
    )


def _task(
    shop: Shop, photos: Path | None, same: str | None, asked: _Asked, limits: ImageLimits
) -> Task:
    from shopsight.evaluate import PhotosToProducts, catalogue_pictures, same_field
    from shopsight.photo_lists import PhotoList, read_photo_list

    labelled = (
        read_photo_list(photos, only=asked.only, boxes=asked.boxes, margin=asked.margin)
        if photos is not None
        else PhotoList()
    )
    pictures = catalogue_pictures(shop.catalog, limits, shop.fetch_image)
    if same is not None:
        return same_field(pictures, same)
    return PhotosToProducts(labelled, pictures, limits)


def _compare(settings: Settings, task_of: Callable[[ImageLimits], Task], asked: _Asked) -> None:
    from shopsight.cli.progress import counted_progress
    from shopsight.evaluate import SearchOptions, compare
    from shopsight.evaluate.loading import loaded, model_size
    from shopsight.index.base import Metric

    names = asked.encoders or [settings.encoder]
    limits = _limits(settings)
    task = task_of(limits)
    options = SearchOptions(Metric(settings.metric), settings.standardize, asked.focus)
    sizes = {}
    with (
        loaded(names, threads=settings.threads) as encoders,
        counted_progress("Encoding", len(task.pictures)) as progress,
    ):
        for name in encoders:
            if (size := model_size(name)) is not None:
                sizes[name] = size
        comparison = compare(
            task, encoders, limits=limits, options=options, model_bytes=sizes, progress=progress
        )
    if asked.report is not None:
        from shopsight.evaluate.report import write_report

        write_report(comparison, asked.report, limits)
        typer.echo(f"Report: {asked.report}", err=True)
    if asked.json_output:
        print_json(comparison.as_dict())
    else:
        _print_comparison(comparison)


def _print_comparison(comparison: Comparison) -> None:
    from shopsight.evaluate.report import COSTS, label, p_text

    results = comparison.results
    rows = [
        [label(figure), *(_two_lines(result.figures[figure]) for result in results)]
        for figure in results[0].figures
    ]
    rows += [[what, *(text(result) for result in results)] for what, text in COSTS.items()]
    print_table(comparison.title, {"": "left", **{one.name: "right" for one in results}}, rows)
    if comparison.tests:
        against = comparison.tests[0].against
        heading = {"": "left", "figure": "left", "difference": "right", "p-value": "right"}
        print_table(
            f"Against {against}",
            heading,
            [
                [
                    test.encoder,
                    label(test.figure),
                    f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]",
                    p_text(test.p_value),
                ]
                for test in comparison.tests
                for one in (test.difference,)
            ],
        )
    for note in comparison.notes:
        typer.echo(note, err=True)
    print_failed(comparison.failed, "pictures could not be used")


def _two_lines(one: Interval) -> str:
    return f"{one.value:.3f}\n{one.low:.3f} to {one.high:.3f}"


def print_failed(failed: Mapping[str, str], what: str) -> None:
    """Say how many photos could not be used, and name some of them."""
    if failed:
        typer.echo(f"{len(failed)} {what}.", err=True)
    for name, reason in list(failed.items())[:SHOWN_FAILURES]:
        typer.echo(f"  {name}: {reason}", err=True)


def _limits(settings: Settings) -> ImageLimits:
    from shopsight.images.prepare import ImageLimits

    return ImageLimits(
        max_bytes=settings.image_max_bytes,
        max_pixels=settings.image_max_pixels,
        min_side=settings.image_min_side,
    )
