from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from shopsight.errors import EncoderError, SettingsError
from shopsight.regions.load import load_finder

YOLOX = Path(__file__).with_name("files") / "yolox.onnx"


def test_default_is_the_packaged_network() -> None:
    """Without a name the network that comes with Shopsight is loaded."""
    finder = load_finder(threads=1)
    assert finder.name == "default"
    finder.close()


def test_path_is_a_detector() -> None:
    """The path of an ONNX file loads that file, and is its name."""
    finder = load_finder(str(YOLOX), threads=1)
    assert finder.name == str(YOLOX)
    finder.close()


def test_unknown_names_are_refused() -> None:
    """A name that is neither says what can be given."""
    with pytest.raises(SettingsError, match=r"'yolo'.*default"):
        load_finder("yolo")


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """A file that is no ONNX graph is an error that names it."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EncoderError, match=r"broken\.onnx"):
        load_finder(str(path))


@pytest.mark.parametrize("name", ["default", str(YOLOX)])
def test_closed_finder_says_so(name: str) -> None:
    """After closing, twice even, a call is an error that says what to do."""
    finder = load_finder(name, threads=1)
    finder.close()
    finder.close()
    with pytest.raises(EncoderError, match="closed"):
        finder.find(Image.new("RGB", (64, 64)))
