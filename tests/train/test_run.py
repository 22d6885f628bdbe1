from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.categories import load_categories
from shopsight.errors import EncoderError, FeedError, SettingsError
from shopsight.testing.shops import SmallShop
from shopsight.train.options import TrainOptions

pytest.importorskip("torch", reason="needs the extra 'train'")
pytest.importorskip("tensorboard", reason="needs the extra 'train'")

from shopsight.train.fitting import Fitting
from shopsight.train.run import train


@pytest.fixture
def options(tiny_encoder: Path, labelled: Path, tmp_path: Path) -> TrainOptions:
    """A short training of the tiny encoder on three colours, by sender."""
    return TrainOptions(
        photos=labelled / "photos.csv",
        out=tmp_path / "mine",
        base=str(tiny_encoder),
        group_column="sender",
        share=0.3,
        epochs=3,
        side=32,
        pairs=8,
        rate=1e-3,
        frozen=0,
        threads=1,
    )


@pytest.mark.parametrize("mode", ["head", "full"])
def test_training_makes_an_encoder_folder(options: TrainOptions, labelled: Path, mode: str) -> None:
    """Both modes give an encoder with a category head, a report, a card and logs."""
    summary = train(replace(options, mode=mode))  # type: ignore[arg-type]
    assert summary.after["mAP"].value >= summary.before["mAP"].value - 0.05
    assert summary.counts["validation groups"] == 1
    encoder = load_encoder(str(options.out))
    vectors = encoder.encode_files([labelled / "red" / "0.jpg", labelled / "blue" / "1.jpg"])
    encoder.close()
    head = load_categories(options.out)
    assert head is not None
    assert [best[0][0] for best in head.predict(vectors)] == ["red", "blue"]
    report = json.loads((options.out / "report.json").read_text(encoding="utf-8"))
    assert report["mode"] == mode
    assert set(report["after"]) == {"recall@1", "mAP", "knn", "classifier"}
    assert "before (95 %)" in (options.out / "README.md").read_text(encoding="utf-8")
    assert any(path.name.startswith("events") for path in (options.work / "logs").iterdir())


def test_blend_zero_is_the_start(options: TrainOptions, labelled: Path) -> None:
    """Weights moved by nothing give the vectors of the start, through graph and file."""
    train(replace(options, mode="full", blend=0.0))
    photos = [labelled / "red" / "0.jpg", labelled / "green" / "3.jpg"]
    start, made = load_encoder(options.base), load_encoder(str(options.out))
    assert np.allclose(start.encode_files(photos), made.encode_files(photos), atol=1e-5)


def test_catalogue_alone_teaches_by_views(options: TrainOptions, tmp_path: Path) -> None:
    """Without labels two views of a picture belong together; there is no category head then."""
    shop = SmallShop(tmp_path / "feed", 12)
    summary = train(replace(options, photos=None, catalogue=shop.feed, group_column=""))
    assert set(summary.after) == {"recall@1", "mAP"}
    assert load_categories(options.out) is None


def test_killed_training_goes_on(options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill in the third epoch, two are not trained again; other options are refused."""
    options = replace(options, mode="full")
    epochs = []
    whole = Fitting._epoch

    def dies(self: Fitting) -> None:
        if len(epochs) == 2:
            raise KeyboardInterrupt
        epochs.append(1)
        whole(self)

    with monkeypatch.context() as patched:
        patched.setattr(Fitting, "_epoch", dies)
        with pytest.raises(KeyboardInterrupt):
            train(options)
    with pytest.raises(SettingsError, match="without --resume"):
        train(replace(options, resume=True, seed=9))
    left = []

    def counts(self: Fitting) -> None:
        left.append(1)
        whole(self)

    monkeypatch.setattr(Fitting, "_epoch", counts)
    summary = train(replace(options, resume=True))
    assert (len(left), summary.epochs) == (1, 3)
    assert not (options.work / "checkpoint.pt").exists()


def test_unfit_starts_are_refused(options: TrainOptions) -> None:
    """A name that is no encoder to start from, and no pictures at all, are errors of ours."""
    with pytest.raises(EncoderError, match="start from 'lite'"):
        train(replace(options, base="thumbnail"))
    with pytest.raises(FeedError, match="nothing to learn from"):
        train(replace(options, photos=None))


def test_two_processes_train_together(options: TrainOptions) -> None:
    """Torchrun with two processes gives one encoder folder, and the first process reports."""
    assert options.photos is not None
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "shopsight", "train", str(options.photos), "--out", str(options.out), "--json"),
        *("--encoder", options.base, "--group-column", "sender", "--mode", "full"),
        *("--epochs", "2", "--side", "64"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "SHOPSIGHT_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    load_encoder(str(options.out)).close()
