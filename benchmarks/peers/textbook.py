"""The textbook pipeline: grayscale pictures, a small Keras CNN, scikit-learn's nearest neighbours.

As articles on image search teach it: every picture to grayscale at 224 x 224, a network of three
convolutional layers trained to tell the folders apart, the outputs of its penultimate layer as
features, and ``NearestNeighbors`` over those.

Keras chooses its backend when it is imported: the environment variable ``KERAS_BACKEND`` must be
``torch`` by then, as ``compare.py`` has it.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import torch
from keras import layers
from numpy.typing import NDArray
from PIL import Image
from pipeline import BATCH, Picture, Pixels, Training, Vectors, batches, decoded, nearest_products
from sklearn.neighbors import NearestNeighbors

from shopsight.images.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(size=224, fit="stretch", interpolation="bilinear")
FILTERS = (16, 32, 64)
FEATURES = 128
"""The network of TensorFlow's tutorial on image classification."""

EPOCHS = 40
HELD_BACK = 0.15
PATIENCE = 4
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grayscale: ITU-R BT.601, as Pillow has them."""


class Textbook:
    """A three-layer CNN trained on the folder, with nearest neighbours of its features.

    Args:
        threads: Threads for the network, for the neighbours and for decoding.
        seconds: How long the network may train; it stops earlier when the loss on the pictures held
            back has not fallen for ``PATIENCE`` passes, or after ``EPOCHS`` passes.
    """

    def __init__(self, threads: int, seconds: float) -> None:
        torch.set_num_threads(threads)
        self._threads = threads
        self._seconds = seconds
        self._features: keras.Model | None = None
        self._neighbours = NearestNeighbors(metric="cosine", algorithm="brute")
        self._owners: list[str] = []

    def fit(self, pictures: Sequence[Picture]) -> Training:
        """Train the network to tell the labels of the pictures apart."""
        started = time.perf_counter()
        keras.utils.set_random_seed(0)
        labels = [picture.label for picture in pictures]
        names = sorted(set(labels))
        numbers = np.array([names.index(label) for label in labels])
        pixels = self._read([picture.path for picture in pictures])
        held = held_back(labels)
        model, self._features = network(len(names))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
        history = model.fit(
            Varied(pixels[~held], numbers[~held]),
            validation_data=(pixels[held], numbers[held]),
            validation_batch_size=BATCH,
            epochs=EPOCHS,
            callbacks=[stop, TimeLimit(self._seconds)],
            verbose=0,
        ).history
        best = int(np.argmin(history["val_loss"]))
        return Training(
            seconds=time.perf_counter() - started,
            epochs=len(history["loss"]),
            accuracy=float(history["val_accuracy"][best]),
        )

    def index(self, pictures: Sequence[Picture]) -> None:
        """Make these the pictures that queries are answered from."""
        self._owners = [picture.product_id for picture in pictures]
        paths = [picture.path for picture in pictures]
        parts = [
            self._encode(np.stack([gray(one) for one in batch]))
            for batch in batches(paths, PREPROCESSING, self._threads)
        ]
        self._neighbours.fit(np.concatenate(parts))

    def query(self, photo: Path, limit: int) -> list[str]:
        """Ids of the products nearest to a photo, best first."""
        vector = self._encode(gray(decoded(photo, PREPROCESSING))[None])
        # One search for all ranks: finding the nearest of so few costs the same for any count.
        rows = self._neighbours.kneighbors(vector, len(self._owners), return_distance=False)[0]
        return nearest_products(lambda count: rows[:count].tolist(), self._owners, limit)

    def close(self) -> None:
        """Nothing is held but memory."""

    def _read(self, paths: Sequence[Path]) -> Pixels:
        """``(n, 224, 224, 1)`` uint8, gray."""
        every = batches(paths, PREPROCESSING, self._threads)
        return np.stack([gray(one) for batch in every for one in batch])

    def _encode(self, pixels: Pixels) -> Vectors:
        """``(n, FEATURES)`` float32; called directly, for ``predict`` has a fixed cost per call."""
        if self._features is None:
            raise RuntimeError("call fit() first: the features are those of the trained network")
        with torch.no_grad():
            vectors: Vectors = self._features(pixels, training=False).cpu().numpy()
        return vectors


class TimeLimit(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Ends training before the epoch that would exceed a time. One epoch is always trained.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - as keras calls it
        """Stop if another epoch like those before would end too late."""
        elapsed = time.perf_counter() - self._started
        if elapsed * (epoch + 2) / (epoch + 1) > self._seconds:
            self.model.stop_training = True


class Varied(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Batches of pictures to train on, in another order and varied anew in every epoch.

    Args:
        pixels: ``(n, h, w, 1)`` uint8.
        numbers: ``(n,)`` label of each.
    """

    def __init__(self, pixels: Pixels, numbers: NDArray[np.integer]) -> None:
        super().__init__()
        self._pixels = pixels
        self._numbers = numbers
        self._rng = np.random.default_rng(0)
        self._order = self._rng.permutation(len(pixels))

    def __len__(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._order) / BATCH)

    def __getitem__(self, number: int) -> tuple[Pixels, NDArray[np.integer]]:
        """One batch."""
        rows = self._order[number * BATCH : (number + 1) * BATCH]
        return np.stack([varied(self._pixels[row], self._rng) for row in rows]), self._numbers[rows]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self._order = self._rng.permutation(self._order)


def varied(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A gray picture turned, scaled, shifted and perhaps mirrored, as articles augment pictures.

    By at most 15 degrees, 15 % and 10 %. Done with Pillow, in place of the layers that Keras has
    for it, which are slow with PyTorch on a CPU.

    Args:
        pixels: ``(h, w, 1)`` uint8.
        rng: Where the amounts come from.
    """
    height, width, _ = pixels.shape
    angle = np.deg2rad(rng.uniform(-15, 15))
    scale = rng.uniform(0.85, 1.15)
    mirror = rng.choice([-1, 1])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:, 0] *= mirror
    middle = np.array([width / 2, height / 2])
    shift = middle * (1 + rng.uniform(-0.2, 0.2, 2)) - turn @ middle
    image = Image.fromarray(pixels[..., 0])
    corner = int(pixels[0, 0, 0])
    moved = image.transform(
        image.size,
        Image.Transform.AFFINE,
        (*turn[0], shift[0], *turn[1], shift[1]),
        Image.Resampling.BILINEAR,
        fillcolor=corner,
    )
    return np.asarray(moved)[..., None]


def network(labels: int) -> tuple[keras.Model, keras.Model]:
    """The classifier, untrained, and the part of it up to its penultimate layer.

    Both take ``(n, 224, 224, 1)`` uint8 and share their weights.
    """
    size = PREPROCESSING.size
    pixels = keras.Input((size, size, 1))
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in FILTERS:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    features = layers.Dense(FEATURES, activation="relu")(x)
    x = layers.Dropout(0.2)(features)
    named = layers.Dense(labels, activation="softmax")(x)
    return keras.Model(pixels, named), keras.Model(pixels, features)


def gray(pixels: Pixels) -> Pixels:
    """``(h, w, 3)`` RGB to ``(h, w, 1)``, both uint8."""
    return np.rint(pixels @ LUMA).astype(np.uint8)[..., None]


def held_back(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which pictures are kept from training: of every label the same share, drawn at random.

    Args:
        labels: Label of each picture. One with a single picture is only trained on.
    """
    rng = np.random.default_rng(0)
    held = np.zeros(len(labels), bool)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    for members in rows.values():
        if len(members) > 1:
            held[rng.permutation(members)[: max(1, round(HELD_BACK * len(members)))]] = True
    return held
