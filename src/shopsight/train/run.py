"""A whole training, from pictures to an encoder folder."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shopsight.encoders.categories import HEAD
from shopsight.encoders.folder import sha256_of, write_folder
from shopsight.encoders.onnx import load_model
from shopsight.encoders.specs import ModelFacts
from shopsight.errors import FeedError, StorageError
from shopsight.train.batches import CachedViews, FreshViews
from shopsight.train.features import FeatureCache, pooled
from shopsight.train.fitting import Fitting, Plan, State
from shopsight.train.judging import Judged, judge
from shopsight.train.learner import Embedding, Learner
from shopsight.train.measure import ranking
from shopsight.train.monitors import Course
from shopsight.train.network import BIAS, MATRIX, OnnxNetwork
from shopsight.train.options import TrainOptions
from shopsight.train.photos import Gathered, Problem, gather_catalogue, gather_photos
from shopsight.train.report import Summary
from shopsight.train.split import Checked, Split, check, split
from shopsight.train.start import read_model, starting_point
from shopsight.train.views import Pixels, plain_view, random_view
from shopsight.train.workers import Workers, joined_workers

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and the total."""

_LEAST_SHARE = 0.3
"""Of the time, for training proper: on a slow machine the whole then takes longer than asked."""

_VALIDATED = 1500
"""Validation photos looked at after each epoch at most."""


@dataclass(slots=True)
class _Clock:
    """Seconds spent, by what on."""

    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    parts: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.parts[name] = self.parts.get(name, 0.0) + now - self.last
        self.last = now

    @property
    def total(self) -> float:
        return time.monotonic() - self.began


def train(options: TrainOptions, progress: Progress = lambda *_: None) -> Summary:
    """Train an encoder, and write its folder.

    Under ``torchrun`` all processes call this; the first one measures and writes.

    Args:
        options: What to do.
        progress: Told how it gets on.

    Returns:
        What was reached.

    Raises:
        FeedError: There are too few photos, or a list cannot be read.
        EncoderError: The start cannot be trained, or the folder not be written.
        StorageError: The folder for features and checkpoints cannot be written.
        SettingsError: A checkpoint does not fit these options.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    facts, path = starting_point(options.base)
    with joined_workers() as workers:
        return _Training(options, facts, path, workers, progress).run()


class _Training:
    def __init__(
        self,
        options: TrainOptions,
        facts: ModelFacts,
        path: Path,
        workers: Workers,
        progress: Progress,
    ) -> None:
        self._options, self._facts, self._path = options, facts, path
        self._workers = workers
        self._progress: Progress = progress if workers.leads else lambda *_: None
        self._clock = _Clock()
        self._data, self._problems = self._gathered()
        frozen = options.frozen if options.mode == "full" else 0
        self._trunk = OnnxNetwork(read_model(path), frozen=frozen)
        self._start = {k: v.clone() for k, v in self._trunk.state_dict().items()}

    def run(self) -> Summary:
        self._clock.lap("checking pictures")
        before = self._judged(self._path, "Measuring the start")
        self._clock.lap("measuring the start")
        spare = self._options.seconds - self._clock.total
        spare -= 1.2 * self._clock.parts["measuring the start"]
        learner, source = self._prepared()
        self._clock.lap("features")
        spare -= self._clock.parts["features"]
        state = self._fitted(learner, source, max(spare, _LEAST_SHARE * self._options.seconds))
        self._clock.lap("training")
        made = self._exported(learner)
        after = self._judged(made, "Measuring the result")
        self._clock.lap("measuring the result")
        summary = self._summary(before, after, state)
        if self._workers.leads:
            self._written(made, summary, after)
        self._workers.wait()
        return summary

    def _gathered(self) -> tuple[Split, list[Problem]]:
        options = self._options
        columns = {"label_column": options.label_column, "group_column": options.group_column}
        found = Gathered()
        if options.photos is not None:
            found.add(gather_photos(options.photos, **columns))
        if options.catalogue is not None:
            labels = frozenset(photo.label for photo in found.photos)
            found.add(gather_catalogue(options.catalogue, labels))
        if not found.photos:
            raise FeedError("There is nothing to learn from: give photos, or a feed with pictures.")
        fixed, problems = None, found.problems
        total = len(found.photos)
        photos, bad = check(found.photos, lambda n: self._progress("Checking pictures", n, total))
        problems += bad
        if options.validation is not None:
            given = gather_photos(options.validation, **columns)
            fixed, bad = check(given.photos)
            problems += given.problems + bad
        data = split(photos, share=options.share, seed=options.seed, fixed=fixed)
        return data, problems + data.problems

    def _judged(self, path: Path, what: str) -> Judged:
        """Figures of the encoder in a file, as it would be served."""
        if not self._workers.leads:
            return Judged({}, None)
        facts = self._facts.model_copy(update={"sha256": None})
        encoder = load_model(facts, path, threads=self._options.threads)
        total = len(self._data.train) + len(self._data.validation)
        try:
            return judge(
                encoder,
                self._data,
                seed=self._options.seed,
                progress=lambda done: self._progress(what, done, total),
            )
        finally:
            encoder.close()

    def _prepared(self) -> tuple[Learner, CachedViews | FreshViews]:
        """What learns, and what draws its batches."""
        options, data = self._options, self._data
        labels, named, classes = _numbered(data.train)
        full = options.mode == "full"
        features = self._features(1 if full else options.views)
        plain = features[:, 0].astype(np.float32)
        embedding = Embedding(*self._trunk.projection(), plain)
        with torch.inference_mode():
            vectors = embedding(torch.from_numpy(plain)).numpy()
        prototypes = np.zeros((classes, vectors.shape[1]), np.float32)
        np.add.at(prototypes, labels[named], vectors[named])
        learner = Learner(embedding, prototypes, trunk=self._trunk if full else None)
        if not full:
            return learner, CachedViews(features, labels, named)
        return learner, FreshViews(data.train, labels, named, side=options.side)

    def _features(self, views: int) -> NDArray[np.float16]:
        options = self._options
        cache = FeatureCache(
            options.work / "features", self._trunk, self._facts, views=views, seed=options.seed
        )
        total = len(self._data.train)
        digest = sha256_of(self._path)
        if not self._workers.leads:
            self._workers.wait()  # the first process fills the cache for all
        found = cache.features(
            digest, self._data.train, lambda done: self._progress("Reading features", done, total)
        )
        if self._workers.leads:
            self._workers.wait()
        return found

    def _fitted(self, learner: Learner, source: CachedViews | FreshViews, seconds: float) -> State:
        options = self._options
        pairs = options.pairs if options.mode == "full" else 2 * options.pairs
        steps = max(1, len(self._data.train) // (2 * pairs * self._workers.count))
        if options.mode == "head":
            steps *= 2  # cheap, and each step sees only some of the views
        plan = Plan(
            epochs=options.most_epochs,
            steps=steps,
            pairs=pairs,
            rate=1e-2,
            trunk_rate=options.rate,
            decay=0.05,
            average=0.99,
            patience=options.patience,
            seconds=seconds,
            seed=options.seed,
            about=self._about(),
        )
        course = options.work / "logs" if self._workers.leads else None
        with Course(course, lambda n, total: self._progress("Training", n, total)) as monitor:
            fitting = Fitting(
                learner,
                source,
                _Validation(self._data, self._facts, self._trunk, options.seed),
                plan=plan,
                checkpoint=options.work / "checkpoint.pt",
                workers=self._workers,
                monitor=monitor,
            )
            return fitting.run(resume=options.resume)

    def _about(self) -> str:
        """What a checkpoint must agree with."""
        options = self._options
        digests = [one.digest for one in (*self._data.train, *self._data.validation)]
        data = hashlib.sha256("".join(digests).encode()).hexdigest()
        names = ("mode", "pairs", "side", "views", "rate", "frozen", "seed")
        kept = {name: getattr(options, name) for name in names}
        return json.dumps({**kept, "start": sha256_of(self._path), "photos": data}, sort_keys=True)

    def _exported(self, learner: Learner) -> Path:
        """The ONNX file with the weights blended."""
        blend = self._options.blend
        if learner.trunk is not None:
            blended = {
                name: torch.lerp(self._start[name], value, blend)
                for name, value in learner.trunk.state_dict().items()
            }
            self._trunk.load_state_dict(blended)
        with torch.no_grad():
            learner.embedding.change.mul_(blend)
            learner.embedding.shift.mul_(blend)
            matrix, bias = (value.numpy() for value in learner.embedding.folded())
        path = self._options.work / "model.onnx"
        if self._workers.leads:
            model = self._trunk.updated({MATRIX: matrix, BIAS: bias})
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(model.SerializeToString())
            except OSError as error:
                raise StorageError(f"{path} cannot be written: {error}") from error
        return path

    def _summary(self, before: Judged, after: Judged, state: State) -> Summary:
        options, data = self._options, self._data
        labels = {one.photo.label for one in data.train if one.photo.named}
        groups = {one.photo.group for one in data.validation}
        names = ["seed", "blend", *(["side", "rate", "frozen"] if options.mode == "full" else [])]
        names += ["views"] if options.mode == "head" else []
        return Summary(
            mode=options.mode,
            base=self._facts,
            counts={
                "pictures to learn from": len(data.train),
                "labels": len(labels),
                "validation pictures": len(data.validation),
                "validation groups": len(groups),
            },
            options={name: getattr(options, name) for name in names},
            before=before.figures,
            after=after.figures,
            epochs=state.epoch,
            best_epoch=state.best_epoch,
            seconds={"all": self._clock.total, **self._clock.parts},
            problems=self._problems,
        )

    def _written(self, model: Path, summary: Summary, after: Judged) -> None:
        name = self._options.out.name
        facts = self._facts.model_copy(
            update={"name": name, "source": f"{self._facts.source}; trained on a shop's pictures"}
        )
        others: dict[str, bytes | Path] = {
            "report.md": summary.as_markdown().encode(),
            "report.json": summary.as_json().encode(),
        }
        if after.head is not None:
            others[HEAD] = after.head.to_bytes()
        write_folder(self._options.out, facts, model, summary.card(name), others=others)
        (self._options.work / "checkpoint.pt").unlink(missing_ok=True)


class _Validation:
    """Measures a learner after each epoch, from features of the validation photos."""

    def __init__(self, data: Split, facts: ModelFacts, trunk: OnnxNetwork, seed: int) -> None:
        train = sorted({one.photo.label for one in data.train if one.photo.named})
        order = {name: number for number, name in enumerate(train)}
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(len(data.validation))[:_VALIDATED]
        held = [data.validation[number] for number in sorted(chosen.tolist())]
        self._named = held[0].photo.named
        self._held, self._facts, self._trunk, self._seed = held, facts, trunk, seed
        self._labels = np.array([order.get(one.photo.label, -1) for one in held], np.int64)
        _, self._own = np.unique(np.array([one.photo.label for one in held]), return_inverse=True)
        _, self._groups = np.unique(
            np.array([one.photo.group for one in held]), return_inverse=True
        )
        self._kept: tuple[NDArray[np.float32], ...] = ()

    def __call__(self, learner: Learner) -> dict[str, float]:
        with torch.inference_mode():
            plain, second = (
                learner.embedding(torch.from_numpy(found)) for found in self._features(learner)
            )
            if not self._named:
                numbers = np.arange(len(plain))
                precision, first, _ = ranking(second.numpy(), plain.numpy(), numbers, numbers)
                return {"score": float(precision.mean()), "recall@1": float(first.mean())}
            prototypes = torch.nn.functional.normalize(learner.prototypes, dim=1)
            found = (plain @ prototypes.T).argmax(dim=1).numpy()
        precision, first, possible = ranking(
            plain.numpy(),
            plain.numpy(),
            self._own,
            self._own,
            hidden=self._groups,
            gallery_groups=self._groups,
        )
        accuracy = float(np.mean(found == self._labels))
        mean = float(precision[possible].mean()) if possible.any() else accuracy
        return {"score": (accuracy + mean) / 2, "accuracy": accuracy, "mAP": mean}

    def _features(self, learner: Learner) -> tuple[NDArray[np.float32], ...]:
        """Features of the plain views, and of the second ones where they are needed."""
        if self._kept and learner.trunk is None:
            return self._kept
        views = [self._plain] if self._named else [self._plain, self._random]
        parts: list[list[NDArray[np.float32]]] = [[] for _ in views]
        for start in range(0, len(self._held), 64):
            part = self._held[start : start + 64]
            for found, view in zip(parts, views, strict=True):
                found.append(pooled(self._trunk, np.stack([view(one) for one in part])))
        features = [np.concatenate(found) for found in parts]
        self._kept = (features[0], features[-1])
        return self._kept

    def _plain(self, one: Checked) -> Pixels:
        return plain_view(one.photo.path, self._facts.preprocessing)

    def _random(self, one: Checked) -> Pixels:
        rng = np.random.default_rng([self._seed, int(one.digest[:12], 16)])
        return random_view(one.photo.path, self._facts.preprocessing.size, rng)


def _numbered(photos: list[Checked]) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    """Numbers of the labels, named ones first; which are named; and how many of those there are."""
    named = sorted({one.photo.label for one in photos if one.photo.named})
    others = sorted({one.photo.label for one in photos if not one.photo.named})
    order = {name: number for number, name in enumerate([*named, *others])}
    labels = np.array([order[one.photo.label] for one in photos], np.int64)
    return labels, labels < len(named), len(named)
