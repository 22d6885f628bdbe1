from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.folder import write_folder
from shopsight.encoders.known import KNOWN, find, names
from shopsight.encoders.obtain import folder_of, is_cached, load_known
from shopsight.encoders.specs import LITE, MODELS
from shopsight.errors import MissingExtraError


def test_the_table_is_sound():
    """Names are unique, and facts are complete."""
    assert len(set(names())) == len(KNOWN)
    for known in KNOWN:
        assert min(known.dimension, known.megabytes) > 0
        assert known.licence
        assert bool(known.languages) == known.text
        assert find(known.name) is known
        assert find(f"hf:{known.source}") is known


@pytest.mark.parametrize(
    ("name", "loader", "source"),
    [
        ("hf:owner/model", "transformers", "owner/model"),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", "open_clip", "ViT-B-32/laion2b_s34b_b79k"),
    ],
)
def test_prefixes_name_other_models(name, loader, source):
    """A model that is not in the table is named by its library and its place."""
    known = find(name)
    assert known is not None
    assert (known.name, known.loader, known.source) == (name, loader, source)
    assert known.text is None


def test_other_names_mean_nothing():
    """Neither a bare word, nor a path, nor a prefix alone is a published model."""
    assert [find(name) for name in ("dinov9", "a/b", "hf:", "open_clip:")] == [None] * 4


def test_cached_encoder_is_loaded_without_extras(tmp_path):
    """A folder in the cache, such as one copied from another computer, is all that is needed."""
    known = find("dinov2-small")
    assert known is not None
    assert not is_cached(known, tmp_path)
    facts = LITE.model_copy(update={"name": known.name})
    write_folder(folder_of(known, tmp_path), facts, MODELS / LITE.file, "# copied\n")
    assert is_cached(known, tmp_path)
    encoder = load_encoder("dinov2-small", threads=1, cache=tmp_path)
    assert encoder.spec.name == "dinov2-small"
    encoder.close()


def test_changed_folders_are_exported_again(tmp_path):
    """The place in the cache follows the content of a local source."""
    source = tmp_path / "model"
    source.mkdir()
    (source / "config.json").write_text("{}")
    known = find(f"hf:{source}")
    assert known is not None
    before = folder_of(known, tmp_path / "cache")
    assert folder_of(known, tmp_path / "cache") == before
    (source / "config.json").write_text("{ }")
    assert folder_of(known, tmp_path / "cache") != before


def test_missing_extra_is_named(tmp_path):
    """Without the libraries that export it, the answer names the extra, and what is missing."""
    if find_spec("torch") is not None and find_spec("onnxscript") is not None:
        pytest.skip("the extra clip is installed here")
    known = find("dinov2-small")
    assert known is not None
    with pytest.raises(MissingExtraError, match=r"torch.*shopsight\[clip\]"):
        load_known(known, tmp_path)
    assert not list(tmp_path.iterdir())


def test_impossible_download_says_what_to_do(tmp_path):
    """Where the Hub cannot be reached, the answer names the places for the files by hand."""
    for package in ("torch", "onnxscript", "transformers", "huggingface_hub"):
        if find_spec(package) is None:
            pytest.skip(f"needs the extra clip: {package} is not installed")
    code = (
        "import os, sys; from pathlib import Path\n"
        "os.environ['HF_HUB_OFFLINE'] = '1'\n"
        "from shopsight.encoders import load_encoder\n"
        "load_encoder('dinov3-small', cache=Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    known = find("dinov3-small")
    assert known is not None
    assert "EncoderError" in done.stderr
    for told in (
        "hf download facebook/dinov3-vits16-pretrain-lvd1689m",
        str(tmp_path / "sources" / "facebook--dinov3-vits16-pretrain-lvd1689m"),
        str(folder_of(known, tmp_path)),
        "hf auth login",
    ):
        assert told in done.stderr
