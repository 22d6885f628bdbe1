from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from shopsight import plugins
from shopsight.encoders import load_encoder
from shopsight.encoders.files import LIMITS
from shopsight.errors import EncoderError, SettingsError
from shopsight.settings import Settings
from shopsight.testing.fakes import ThumbnailEncoder


class NoFiles:
    """A plug-in's class that is no whole encoder."""

    def __init__(self, *, threads: int) -> None:
        self.threads = threads


def test_encoders_are_loaded_by_name():
    """A built-in name gives that encoder."""
    encoder = load_encoder("thumbnail", threads=1)
    assert isinstance(encoder, ThumbnailEncoder)
    assert encoder.spec.name == "thumbnail"


def test_unknown_name_lists_the_known_ones():
    """A name nobody has is answered with the names there are."""
    with pytest.raises(SettingsError, match="lite, thumbnail"):
        load_encoder("no-such-encoder")


def test_half_an_encoder_is_refused(monkeypatch):
    """A plug-in that lacks an encoder's methods is told what to derive from."""
    target = f"{__name__}:NoFiles"
    monkeypatch.setitem(sys.modules, __name__, sys.modules[NoFiles.__module__])
    monkeypatch.setitem(plugins.BUILT_IN["encoders"], "half", target)
    with pytest.raises(EncoderError, match=r"NoFiles.*EncodesFiles"):
        load_encoder("half")


def test_file_limits_are_those_of_the_settings():
    """``encode_files`` refuses what a shop with default settings refuses."""
    settings = Settings()
    assert settings.image_max_bytes == LIMITS.max_bytes
    assert settings.image_max_pixels == LIMITS.max_pixels
    assert settings.image_min_side == LIMITS.min_side


def test_importing_the_package_loads_no_runtime():
    """Naming ``load_encoder`` imports neither ONNX Runtime nor NumPy, so start-up stays fast."""
    code = (
        "import sys; from shopsight.encoders import load_encoder; "
        "sys.exit(bool({'onnxruntime', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_closed_thumbnail_encoder_refuses_work():
    """After close, the encoder for tests raises as a real one does."""
    encoder = load_encoder("thumbnail")
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode_images(np.zeros((1, 32, 32, 3), np.uint8))
