from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsight import Shop, load_encoder
from shopsight.encoders.files import LIMITS
from shopsight.errors import DecodeError, FeedError, FetchError
from shopsight.evaluate.pictures import catalogue_pictures, cut_out, embed, file_picture, prepare
from shopsight.images.prepare import load_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.photo_lists import Box, LabelledPhoto
from shopsight.settings import Settings

CROP = Preprocessing(size=32, fit="crop", crop_ratio=0.8, interpolation="bilinear")


def scene(path: Path) -> Path:
    """A blue picture, 200 x 100, with a red box at (20, 10) to (120, 60), its right end green."""
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[..., 2] = 255
    pixels[10:60, 20:120] = (255, 0, 0)
    pixels[10:60, 100:120] = (0, 255, 0)
    Image.fromarray(pixels).save(path)
    return path


BOX = Box(0.1, 0.1, 0.6, 0.6)


def test_all_of_the_box_is_kept(tmp_path: Path) -> None:
    """A long box is cut out with what is above and below it, and no encoder cuts its ends off."""
    for ratio in (1.0, 0.8):
        how = CROP.model_copy(update={"crop_ratio": ratio})
        pixels = prepare(scene(tmp_path / "a.png").read_bytes(), BOX, how, LIMITS)
        assert pixels.shape == (32, 32, 3)
        assert pixels[10, 1].tolist() == [255, 0, 0]
        assert pixels[10, 30].tolist() == [0, 255, 0]
        assert pixels[31, 16].tolist() == [0, 0, 255]


def test_cut_out_file_is_what_the_encoder_would_see(tmp_path: Path) -> None:
    """The bytes made for a shop's search become, within a level or two, the prepared pixels."""
    path = scene(tmp_path / "a.png")
    wanted = prepare(path.read_bytes(), BOX, CROP, LIMITS)
    data = cut_out(LabelledPhoto(path, frozenset("x"), BOX), CROP, LIMITS)
    seen = load_pixels(data, CROP, LIMITS)
    assert np.abs(wanted.astype(int) - seen).mean() < 2
    pad = CROP.model_copy(update={"fit": "pad"})
    data = cut_out(LabelledPhoto(path, frozenset("x"), BOX), pad, LIMITS)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), wanted)


def test_cut_out_names_the_photo(tmp_path: Path) -> None:
    """A photo that cannot be used is named in the message."""
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    with pytest.raises(DecodeError, match=r"bad\.jpg"):
        cut_out(LabelledPhoto(bad, frozenset("x"), BOX), CROP, LIMITS)
    with pytest.raises(FetchError, match=r"gone\.jpg"):
        cut_out(LabelledPhoto(tmp_path / "gone.jpg", frozenset("x"), BOX), CROP, LIMITS)


def test_several_encoders_see_the_same_pictures(tmp_path: Path) -> None:
    """Vectors are those of the encoders alone; a picture that fails leaves zeros and a reason."""
    paths = [scene(tmp_path / f"{number}.png") for number in range(18)]
    paths[3] = tmp_path / "gone.png"
    encoders = [load_encoder("thumbnail"), load_encoder("two-part")]
    done: list[int] = []
    found = embed(encoders, [file_picture(path, LIMITS) for path in paths], LIMITS, done.append)
    assert done == [16, 18]
    assert list(found.failed) == [3]
    assert "gone.png" in found.failed[3]
    for encoder, vectors in zip(encoders, found.vectors, strict=True):
        assert not vectors[3].any()
        assert np.allclose(vectors[17], encoder.encode_files(paths[17:])[0])


def test_catalogue_pictures_are_those_of_the_index(indexed) -> None:
    """Every picture of the catalogue is there, in the order of products, the main one first."""
    keys = [(one.product.id, one.position) for one in indexed.pictures]
    assert len(keys) == 13
    assert keys[3:5] == [("p11", 0), ("p11", 1)]
    assert Image.open(io.BytesIO(indexed.pictures[4].picture.load())).size == (96, 96)


def test_empty_catalogue_says_what_to_do(tmp_path: Path) -> None:
    """Without an index there is nothing to compare with, and the command to run is named."""
    with (
        Shop.open(settings=Settings(data=tmp_path)) as shop,
        pytest.raises(FeedError, match="shopsight index"),
    ):
        catalogue_pictures(shop.catalog, LIMITS, shop.fetch_image)
