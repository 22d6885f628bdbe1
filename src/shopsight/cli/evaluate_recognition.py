"""Measures recognition: `shopsight evaluate --task`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from shopsight.cli.common import open_shop, print_json, print_table, settings_of

if TYPE_CHECKING:
    from shopsight.evaluate.pictures import Picture
    from shopsight.evaluate.recognition import Fits, Guesses, RecognitionFigures
    from shopsight.evaluate.recognition_cases import Labels
    from shopsight.images.prepare import ImageLimits
    from shopsight.recognize.answers import Alternative, Recognition
    from shopsight.settings import Settings
    from shopsight.wiring import Shop

RecognitionTask = Literal["recognize", "classify", "brand"]

_SHOWN_CONFUSIONS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured.

    Attributes:
        recognize: From a photo to what it shows.
        labels: How photos are labelled.
        guesses: Which guesses a recognition stands for; as :func:`.recognition.ranked` if not
            given.
        fits: Whether an answer is right; if it is one of the labels, if not given.
        pictured: A picture that stands for an answer, for the report.
    """

    recognize: Callable[[Path], Recognition]
    labels: Labels
    guesses: Guesses | None = None
    fits: Fits | None = None
    pictured: Callable[[str], Picture | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say.

    Attributes:
        photos: The labelled photos.
        task: What is measured.
        label_column: Column of the labels, if it has another name than usual.
        group_column: Column of what photos have in common besides their label.
        gallery: Labelled photos to learn from in place of the catalogue.
        only: Which rows of ``photos`` are used.
        regions: Whether the main subject is looked for.
        json_output: Whether figures are printed for programs.
        report: File for the report.
    """

    photos: Path
    task: RecognitionTask
    label_column: str | None
    group_column: str | None
    gallery: Path | None
    only: Mapping[str, Sequence[str]]
    regions: bool
    json_output: bool
    report: Path | None


def evaluate_task(context: typer.Context, data: Path | None, asked: Asked) -> None:
    """Measure recognition on labelled photos, and say how good it is."""
    if asked.gallery is not None:
        _from_gallery(settings_of(context, data), asked, asked.gallery)
        return
    subjects = {"recognize": _recognize, "classify": _classify, "brand": _brand}
    with open_shop(context, data) as shop:
        shop.warm()
        _measure(subjects[asked.task](shop, asked), asked, shop.settings)


def _recognize(shop: Shop, asked: Asked) -> Subject:
    from shopsight.evaluate.recognition_cases import Labels

    return Subject(
        lambda photo: shop.recognize(photo, regions=asked.regions),
        Labels(asked.label_column or "product_id"),
        pictured=lambda answer: _main_picture(shop, answer),
    )


def _main_picture(shop: Shop, product_id: str) -> Picture | None:
    from shopsight.errors import ShopsightError
    from shopsight.evaluate.pictures import Picture

    try:
        place = shop.image(product_id, 0).location
    except ShopsightError:
        return None
    return Picture(place, lambda: shop.picture(place))


def _classify(shop: Shop, asked: Asked) -> Subject:
    from shopsight.evaluate.recognition_cases import Labels

    known = shop.categories
    return Subject(
        lambda photo: shop.classify(photo, regions=asked.regions, related=0),
        Labels(asked.label_column or "category", known.of_products, known.spelled),
        _classes,
        _category_fits,
    )


def _brand(shop: Shop, asked: Asked) -> Subject:
    from shopsight.evaluate.recognition_cases import Labels

    return Subject(
        shop.brands.recognize,
        Labels(asked.label_column or "brand", shop.brands.of_products, shop.brands.spelled),
    )


def _from_gallery(settings: Settings, asked: Asked, gallery: Path) -> None:
    """Learn categories from labelled photos instead of the catalogue, and measure those."""
    from shopsight.cli.progress import counted_progress
    from shopsight.evaluate.recognition_cases import Labels, read_cases
    from shopsight.images.prepare import read_local
    from shopsight.recognize.category_paths import path_text
    from shopsight.search.cache import EmbeddingCache
    from shopsight.search.clock import Clock
    from shopsight.wiring.classifying import LabelledPicture, classifier_of, photo_classifier
    from shopsight.wiring.models import Models
    from shopsight.wiring.serving import photo_reader

    labels = Labels(asked.label_column or "category")
    tested = read_cases(asked.photos, labels, only=asked.only, group_column=asked.group_column)
    groups = {case.cluster for case in tested.cases} if asked.group_column else set()
    photos = {case.photo.resolve() for case in tested.cases}
    learnt = [
        LabelledPicture(case.photo, min(case.answers), case.cluster if asked.group_column else "")
        for case in read_cases(gallery, labels, group_column=asked.group_column).cases
        if case.answers and case.cluster not in groups and case.photo.resolve() not in photos
    ]
    models = Models(settings)
    try:
        reader = photo_reader(models, settings, EmbeddingCache())
        limits = _limits(settings)
        with counted_progress("Learning", len(learnt)) as progress:
            classifier, paths = classifier_of(
                learnt,
                lambda photo: (
                    reader.read(
                        read_local(photo, limits), box=None, regions=asked.regions, clock=Clock()
                    ).vector
                ),
                threshold=settings.category_threshold,
                progress=progress,
            )
        one = photo_classifier(classifier, reader, regions=asked.regions)
        subject = Subject(
            lambda photo: one(read_local(photo, limits)),
            Labels(labels.column, None, lambda text: path_text(paths.read(text))),
            _classes,
            _category_fits,
        )
        _measure(subject, asked, settings, [f"Learnt from {len(learnt)} photos of {gallery}."])
    finally:
        models.close()


def _classes(found: Recognition) -> Sequence[Alternative]:
    from shopsight.evaluate.recognition import ranked
    from shopsight.recognize.category import Classification

    return found.candidates if isinstance(found, Classification) else ranked(found)


def _category_fits(answer: str, right: frozenset[str]) -> bool:
    from shopsight.recognize.category_paths import within

    return any(within(answer, category) for category in right)


def _measure(subject: Subject, asked: Asked, settings: Settings, notes: Sequence[str] = ()) -> None:
    from shopsight.cli.progress import counted_progress
    from shopsight.evaluate.recognition import is_one_of, measured, ranked, recognized
    from shopsight.evaluate.recognition_cases import read_cases
    from shopsight.evaluate.recognition_report import write_recognition_report

    found = read_cases(
        asked.photos, subject.labels, only=asked.only, group_column=asked.group_column
    )
    with counted_progress("Evaluating", len(found.cases)) as progress:
        outcomes = recognized(
            found.cases, subject.recognize, guesses=subject.guesses or ranked, progress=progress
        )
    figures = measured(outcomes, fits=subject.fits or is_one_of, notes=[*notes, *found.notes])
    title = f"{asked.task}: {asked.photos}"
    if asked.report is not None:
        write_recognition_report(
            asked.report,
            title,
            figures,
            outcomes,
            limits=_limits(settings),
            pictured=subject.pictured,
        )
        typer.echo(f"Report: {asked.report}", err=True)
    if asked.json_output:
        print_json(figures.as_dict())
    else:
        _print(title, figures)


def _print(title: str, figures: RecognitionFigures) -> None:
    from shopsight.cli.evaluate import print_failed

    absent = f", {figures.absent} of them without a right answer" if figures.absent else ""
    rows = [
        [name, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}"]
        for name, one in figures.figures.items()
    ]
    rows += [[f"latency {name}", f"{ms:.1f} ms", ""] for name, ms in figures.latency_ms.items()]
    print_table(
        f"{title}: {figures.photos + figures.absent} photos{absent}",
        {"figure": "left", "value": "right", "95 % interval": "left"},
        rows,
    )
    for right, guess, count in figures.confusions[:_SHOWN_CONFUSIONS]:
        typer.echo(f"{count} x {right} taken for {guess or 'nothing'}", err=True)
    for note in figures.notes:
        typer.echo(note, err=True)
    print_failed(figures.failed, "photos could not be used and count as not recognised")


def _limits(settings: Settings) -> ImageLimits:
    from shopsight.wiring.limits import image_limits

    return image_limits(settings)
