from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.base import CellEncoder
from shopsight.encoders.folder import CARD, FACTS, MODEL, load_folder, read_folder, write_folder
from shopsight.encoders.specs import LITE, MODELS
from shopsight.errors import EncoderError, SettingsError

FACTS_GIVEN = LITE.model_copy(update={"name": "my-shop", "sha256": None})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder folder with the packaged model."""
    path = tmp_path_factory.mktemp("encoders") / "my-shop"
    write_folder(path, FACTS_GIVEN, MODELS / LITE.file, "# my-shop\n")
    return path


def test_folder_gives_back_what_was_written(folder):
    """The facts come back, with the file's name and checksum filled in, beside model and card."""
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, FACTS, MODEL])
    facts = read_folder(folder)
    assert facts == FACTS_GIVEN.model_copy(update={"file": MODEL, "sha256": LITE.sha256})
    assert (folder / CARD).read_text() == "# my-shop\n"
    assert [path.name for path in folder.parent.iterdir()] == ["my-shop"]


def test_encoder_is_loaded_by_the_path_of_its_folder(folder, monkeypatch):
    """An absolute path and a bare name in the working folder both load the same encoder."""
    encoder = load_encoder(str(folder), threads=1)
    assert encoder.spec.name == "my-shop"
    assert isinstance(encoder, CellEncoder)
    monkeypatch.chdir(folder.parent)
    again = load_encoder("my-shop", threads=1)
    assert again.spec == encoder.spec
    pixels = np.zeros((1, 260, 260, 3), np.uint8)
    np.testing.assert_array_equal(again.encode_images(pixels), encoder.encode_images(pixels))
    encoder.close()
    again.close()


def test_folder_is_replaced_as_a_whole(folder, tmp_path):
    """Writing again takes the place of the old encoder, also with bytes instead of a file."""
    path = tmp_path / "copy"
    shutil.copytree(folder, path)
    (path / "left-over.txt").write_text("old")
    renamed = FACTS_GIVEN.model_copy(update={"name": "second"})
    write_folder(path, renamed, (folder / MODEL).read_bytes(), "# second\n")
    assert sorted(found.name for found in path.iterdir()) == sorted([CARD, FACTS, MODEL])
    assert read_folder(path).name == "second"
    assert [found.name for found in tmp_path.iterdir()] == ["copy"]


def test_other_folders_are_left_alone(tmp_path):
    """A folder that holds something else is not written over; a missing model leaves nothing."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    with pytest.raises(EncoderError, match="no encoder folder: choose another"):
        write_folder(tmp_path / "photos", FACTS_GIVEN, b"", "")
    with pytest.raises(EncoderError, match="cannot be written"):
        write_folder(tmp_path / "new", FACTS_GIVEN, tmp_path / "missing.onnx", "")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_damaged_model_is_refused(folder, tmp_path):
    """A model whose checksum is not the one in the facts is not loaded."""
    path = tmp_path / "damaged"
    shutil.copytree(folder, path)
    with (path / MODEL).open("ab") as file:
        file.write(b"x")
    with pytest.raises(EncoderError, match="damaged"):
        load_folder(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "Invalid JSON"),
        ("{}", "name: Field required"),
        (FACTS_GIVEN.model_copy(update={"file": "../x.onnx"}).model_dump_json(), "not in its fold"),
        (json.dumps(json.loads(FACTS_GIVEN.model_dump_json()) | {"dimension": 0}), "dimension"),
    ],
)
def test_bad_facts_are_named(tmp_path, text, message):
    """Facts that cannot be read say which file and field is wrong."""
    (tmp_path / FACTS).write_text(text)
    with pytest.raises(EncoderError, match=message):
        read_folder(tmp_path)


def test_missing_folder_is_named(tmp_path):
    """A path where no encoder is gets an answer that says what belongs there."""
    with pytest.raises(EncoderError, match=r"encoder\.json"):
        load_encoder(str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="lite"):
        load_encoder("nowhere-at-all")
