"""What a training is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mode = Literal["head", "full"]

DEFAULT_MINUTES = {"head": 5.0, "full": 45.0}
"""Time of a whole training, by mode."""

DEFAULT_EPOCHS = {"head": 12, "full": 12}
"""Epochs, by mode."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a training is asked to do.

    Attributes:
        photos: A folder with a folder per label, or a CSV file; ``None``: only the catalogue.
        out: The encoder folder to make.
        mode: ``head`` learns a linear map from features to vectors; ``full`` the network as well.
        base: The encoder to start from: ``lite``, or an encoder folder.
        catalogue: A feed with pictures.
        validation: A CSV file or folder of the validation photos; ``None``: some are set aside.
        label_column: Of the CSV file; empty: ``label``, ``product_id`` or ``id``.
        group_column: Of the CSV file; empty: every photo is a group.
        share: Of the photos that are set aside, where no validation photos are given.
        epochs: At most; 0: the mode's default.
        minutes: Time of the whole training, measuring included; 0: the mode's default.
        side: Of the views in mode ``full``, in pixels.
        views: Kept per picture in mode ``head``, at least 2.
        pairs: Per batch; a batch has twice as many pictures.
        rate: Peak learning rate of the trunk in mode ``full``.
        frozen: Convolutions, from the input, that do not learn in mode ``full``.
        blend: 0 to 1: how far weights move from the start to what was learnt; less than 1 keeps
            more of what the start knew about other things.
        patience: Epochs without improvement before training stops.
        seed: Of all chance.
        resume: Whether to go on where a killed training stopped.
        threads: Threads; 0: one per core.
    """

    photos: Path | None
    out: Path
    mode: Mode = "head"
    base: str = "lite"
    catalogue: Path | None = None
    validation: Path | None = None
    label_column: str = ""
    group_column: str = ""
    share: float = 0.2
    epochs: int = 0
    minutes: float = 0.0
    side: int = 192
    views: int = 3
    pairs: int = 32
    rate: float = 3e-4
    frozen: int = 10
    blend: float = 1.0
    patience: int = 5
    seed: int = 0
    resume: bool = False
    threads: int = 0

    @property
    def work(self) -> Path:
        """Folder for features, checkpoints and logs, beside the result."""
        return self.out.with_name(f"{self.out.name}.work")

    @property
    def most_epochs(self) -> int:
        """Epochs, the default filled in."""
        return self.epochs or DEFAULT_EPOCHS[self.mode]

    @property
    def seconds(self) -> float:
        """Time of the whole training, the default filled in."""
        return 60 * (self.minutes or DEFAULT_MINUTES[self.mode])
