from __future__ import annotations

import json

import pytest

from shopsight.encoders.preparation import of_open_clip, of_transformers, read_transformers
from shopsight.errors import EncoderError
from shopsight.images.preprocessing import Preprocessing

HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
CLIP = {"size": 224, "crop_size": 224, "do_center_crop": True, "resample": 3} | HALVES
SIGLIP = {"size": {"height": 256, "width": 256}, "resample": 2} | HALVES
DINO = {
    "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "resample": 3,
}
OPEN_CLIP = {"size": 224, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CLIP, Preprocessing(size=224, fit="crop")),
        (SIGLIP, Preprocessing(size=256, fit="stretch", interpolation="bilinear")),
        (DINO, Preprocessing(size=224, fit="crop", crop_ratio=0.875)),
    ],
)
def test_image_processors_are_understood(config, expected):
    """Crops, squares, and crops from a larger picture come out as our geometry."""
    found = of_transformers(config)
    assert found.preprocessing == expected
    assert found.mean == ((0.5, 0.5, 0.5) if "image_mean" in config else (0.485, 0.456, 0.406))


@pytest.mark.parametrize(
    ("mode", "fit", "background"),
    [("shortest", "crop", 255), ("squash", "stretch", 255), ("longest", "pad", 0)],
)
def test_resize_modes_are_understood(mode, fit, background):
    """The three ways of open_clip come out as ours; what it pads with is black."""
    found = of_open_clip(OPEN_CLIP | {"resize_mode": mode, "size": (224, 224)}).preprocessing
    assert (found.size, found.fit, found.background) == (224, fit, (background,) * 3)


@pytest.mark.parametrize(
    "config",
    [
        SIGLIP | {"resample": 0},
        SIGLIP | {"size": {"height": 256, "width": 128}},
        SIGLIP | {"size": {"longest_edge": 256}},
        SIGLIP | {"do_resize": False},
        CLIP | {"crop_size": 256},
        SIGLIP | {"image_std": [1, 2]},
        {},
    ],
)
def test_unsupported_preparations_are_refused(config):
    """What cannot be done alike is refused instead of done differently."""
    with pytest.raises(EncoderError, match=r"not supported|not scaled|not usable"):
        of_transformers(config)


def test_files_are_found(tmp_path):
    """Both names under which the library writes the description are read; neither is an error."""
    with pytest.raises(EncoderError, match=r"preprocessor_config\.json"):
        read_transformers(tmp_path)
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": DINO}))
    assert read_transformers(tmp_path).preprocessing.crop_ratio == 0.875
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(SIGLIP))
    assert read_transformers(tmp_path).preprocessing.size == 256
    (tmp_path / "preprocessor_config.json").write_text("[]")
    with pytest.raises(EncoderError, match="not the description"):
        read_transformers(tmp_path)
