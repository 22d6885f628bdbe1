"""The models of a shop, loaded when they are first needed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder, EncoderSpec, TextEncoder
from shopsight.encoders.batching import MicroBatcher
from shopsight.encoders.categories import CategoryHead, load_categories
from shopsight.encoders.folder import is_folder
from shopsight.errors import ShopsightError
from shopsight.recognize.text import TextReader
from shopsight.regions.base import RegionFinder
from shopsight.settings import Settings

OFF = "none"
"""Name of the detector that finds nothing."""


class Models:
    """Encoder, detector and text reader of a shop. Safe to use from several threads.

    Args:
        settings: Which they are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._finding = threading.Lock()
        self._encoder: Encoder | None = None
        self._batcher: MicroBatcher | None = None
        self._finder: RegionFinder | None = None
        self._reader: TextReader | None = None
        self._closed = False

    @property
    def loaded(self) -> bool:
        """Whether the encoder was loaded, and is not closed."""
        with self._lock:
            return self._encoder is not None

    @property
    def encoder(self) -> Encoder:
        """The encoder."""
        with self._lock:
            return self._loaded(measure=False)

    def choose_engine(self) -> Encoder:
        """The encoder; what runs it fastest here is found out first, if it is not loaded yet."""
        with self._lock:
            return self._loaded(measure=True)

    def spec(self) -> EncoderSpec:
        """Facts about the encoder."""
        return self.encoder.spec

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors ``(n, dimension)`` of prepared pictures ``(n, size, size, 3)``.

        They are encoded together, and with those of other threads.

        Raises:
            EncoderError: The model failed.
        """
        with self._lock:
            if self._batcher is None:
                self._batcher = MicroBatcher(self._loaded(measure=False))
            batcher = self._batcher
        return batcher.encode_all(pixels)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """Vector ``(dimension,)`` of words; ``None`` where the encoder knows no words."""
        encoder = self.encoder
        if "text" not in encoder.spec.modalities or not isinstance(encoder, TextEncoder):
            return None
        vector: NDArray[np.float32] = encoder.encode_texts([text])[0]
        return vector

    def finder(self) -> RegionFinder | None:
        """The detector; ``None`` where none is wanted.

        Raises:
            SettingsError: There is no such detector.
            EncoderError: Its model cannot be used.
        """
        if self._settings.detector == OFF:
            return None
        from shopsight.regions.load import load_finder

        with self._finding:
            if self._finder is None:
                self._finder = load_finder(self._settings.detector, threads=self._settings.threads)
            return self._finder

    def category_head(self) -> CategoryHead | None:
        """The category head that was trained with the encoder; ``None`` if it has none.

        Raises:
            EncoderError: Its file is damaged.
        """
        folder = Path(self._settings.encoder)
        return load_categories(folder) if is_folder(folder) else None

    def text_reader(self, *, needed: bool = False) -> TextReader | None:
        """What reads text on pictures; ``None`` where none is wanted, or none is installed.

        Args:
            needed: Whatever the settings say of photos, text has to be read.

        Raises:
            MissingExtraError: It is wanted, and the extra ``ocr`` is not installed.
        """
        from shopsight.recognize.rapidocr_reader import RapidOcrReader, is_installed
        from shopsight.recognize.timely_reader import TimelyReader

        wanted = "on" if needed else self._settings.ocr
        if wanted == "off" or (wanted == "auto" and not is_installed()):
            return None
        with self._finding:
            if self._reader is None:
                self._reader = TimelyReader(RapidOcrReader(threads=self._settings.threads))
            return self._reader

    def close(self) -> None:
        """Free them. May be called twice."""
        with self._lock, self._finding:
            for one in (self._batcher, self._encoder, self._finder, self._reader):
                if one is not None:
                    one.close()
            self._batcher = self._encoder = self._finder = self._reader = None
            self._closed = True

    def _loaded(self, *, measure: bool) -> Encoder:
        from shopsight.encoders.backends import EngineChoice

        if self._closed:
            raise ShopsightError("The shop is closed.")
        if self._encoder is None:
            settings = self._settings
            self._encoder = load_encoder(
                settings.encoder,
                threads=settings.threads,
                engine=EngineChoice(
                    backend=settings.encoder_backend,
                    precision=settings.encoder_precision,
                    cache=settings.data / "engines",
                    measure=measure,
                ),
                cache=settings.resolved_encoder_cache,
            )
        return self._encoder
