"""What a training reports: figures before and after, as Markdown and JSON, and the model card."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from shopsight.encoders.specs import ModelFacts
from shopsight.train.measure import NEIGHBOURS, Figure
from shopsight.train.photos import Problem

_MEANINGS = {
    "recall@1": "nearest other validation photo has the same label",
    "mAP": "mean average precision of the validation photos, same label relevant",
    "catalogue recall@1": "nearest catalogue picture is of the photo's product",
    "knn": f"label voted by the {NEIGHBOURS} nearest training photos",
    "classifier": "label by a linear category head over the vectors",
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Summary:
    """Facts about one training.

    Attributes:
        mode: ``head`` or ``full``.
        base: Facts about the encoder it started from.
        counts: What was learnt from, and measured on, as words and numbers.
        options: Options that matter for the result.
        before: Figures of the start.
        after: Figures of the result.
        epochs: Epochs done.
        best_epoch: The epoch whose weights were taken; 0: the start's.
        seconds: Wall time of everything, and of its parts, by name.
        problems: Rows and pictures left out.
    """

    mode: str
    base: ModelFacts
    counts: dict[str, int]
    options: dict[str, str | int | float]
    before: dict[str, Figure]
    after: dict[str, Figure]
    epochs: int
    best_epoch: int
    seconds: dict[str, float]
    problems: list[Problem]

    def as_json(self) -> str:
        """The report for programs."""
        value = {
            "mode": self.mode,
            "start": {"name": self.base.name, "sha256": self.base.sha256},
            "counts": self.counts,
            "options": self.options,
            "before": {name: figure.as_dict() for name, figure in self.before.items()},
            "after": {name: figure.as_dict() for name, figure in self.after.items()},
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "left_out": [{"where": p.where, "reason": p.reason} for p in self.problems],
        }
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    def as_markdown(self) -> str:
        """The report for people."""
        rows = [
            f"| {name} | {self.before[name]} | {figure} | "
            f"{figure.value - self.before[name].value:+.3f} | {_MEANINGS[name]} |"
            for name, figure in self.after.items()
        ]
        counted = ", ".join(f"{count:,} {what}" for what, count in self.counts.items())
        took = ", ".join(f"{name} {_minutes(value)}" for name, value in self.seconds.items())
        lines = [
            "# Training report",
            "",
            (
                f"Mode `{self.mode}`, from the encoder `{self.base.name}`: {counted}. No photo, "
                "group or near duplicate is on both sides. The weights are those averaged at epoch "
                f"{self.best_epoch} of {self.epochs}, which was best on the validation photos: "
                "chosen on them, the figures flatter a little."
            ),
            "",
            "| figure | before (95 %) | after (95 %) | change | meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"Time: {took}.",
            *self._left_out(),
        ]
        return "\n".join(lines) + "\n"

    def card(self, name: str) -> str:
        """The model card of the encoder folder."""
        options = ", ".join(f"{key} {value}" for key, value in self.options.items())
        lines = [
            f"# Model card: `{name}`",
            "",
            (
                f"An encoder that `shopsight train` made from `{self.base.name}` with a shop's own "
                "pictures. Use it with `SHOPSIGHT_ENCODER=PATH`; an index must be made with the "
                "same encoder."
            ),
            "",
            f"- Start: {self.base.source}",
            f"- Licence of the start: {self.base.licence}; the pictures' rights are the shop's",
            f"- Options: {options}",
            (
                "- `categories.npz`: a linear head that gives a vector's label, where labels were "
                "given; its temperature was set on the validation photos"
            ),
            (
                "- Other kinds of products than those learnt from may be told apart less well than "
                "before: measure with `shopsight evaluate`"
            ),
            "",
            self.as_markdown(),
        ]
        return "\n".join(lines)

    def _left_out(self) -> list[str]:
        if not self.problems:
            return []
        reasons = Counter(problem.reason for problem in self.problems)
        shown = [f"- {p.where}: {p.reason}" for p in self.problems[:_SHOWN]]
        more = len(self.problems) - len(shown)
        rest = [f"- and {more} more; all are in `report.json`"] if more else []
        heading = f"Left out: {len(self.problems)} rows and pictures ({len(reasons)} reasons)."
        return ["", heading, "", *shown, *rest]


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"  # noqa: PLR2004
