"""Vectors cut to their beginnings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.encoders import load_encoder
from shopsight.encoders.base import CellEncoder
from shopsight.encoders.shortened import shortened, split_name
from shopsight.errors import SettingsError
from shopsight.sample_shop import SAMPLE_PHOTOS


@pytest.fixture(scope="module")
def lite():
    """The default encoder."""
    encoder = load_encoder("lite", threads=1)
    yield encoder
    encoder.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lite@128", ("lite", 128)),
        ("lite", ("lite", None)),
        ("a@b", ("a@b", None)),
        ("folder@2/x@64", ("folder@2/x", 64)),
        ("@64", ("@64", None)),
    ],
)
def test_names(name, expected):
    """Only a number after the last @ is taken for a number of dimensions."""
    assert split_name(name) == expected


def test_parts_keep_their_share(lite):
    """Each part's length stays what it was, so that a focus works as before."""
    short = shortened(lite, 128)
    whole, cut = lite.encode_files(SAMPLE_PHOTOS), short.encode_files(SAMPLE_PHOTOS)
    assert [part.name for part in short.spec.parts] == [part.name for part in lite.spec.parts]
    for before, after in zip(lite.spec.all_parts, short.spec.all_parts, strict=True):
        np.testing.assert_allclose(
            np.linalg.norm(cut[:, after.start : after.stop], axis=1),
            np.linalg.norm(whole[:, before.start : before.stop], axis=1),
            rtol=1e-4,
        )


def test_similarity_survives(lite):
    """Shortened vectors mostly agree with whole ones about which pictures are alike."""
    whole = lite.encode_files(SAMPLE_PHOTOS)
    cut = shortened(lite, 128).encode_files(SAMPLE_PHOTOS)
    pairs = np.triu_indices(len(whole), 1)
    assert np.corrcoef((whole @ whole.T)[pairs], (cut @ cut.T)[pairs])[0, 1] > 0.8


def test_cells_add_up(lite):
    """The cells of a shortened encoder add up to its vectors."""
    short = shortened(lite, 64)
    assert isinstance(short, CellEncoder)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 260, 260, 3), dtype=np.uint8)
    vectors, cells = short.encode_cells(pixels)
    np.testing.assert_allclose(cells.sum(axis=(1, 2)), vectors, atol=1e-3)


def test_fingerprints_differ(lite):
    """An index made with another length is never taken for this one."""
    prints = {lite.spec.fingerprint}
    prints |= {shortened(lite, length).spec.fingerprint for length in (64, 128)}
    assert len(prints) == 3


@given(length=st.integers(2, 255))
def test_any_length(lite, length):
    """Every length below the whole one gives parts that cover it."""
    assert shortened(lite, length).spec.all_parts[-1].stop == length


@pytest.mark.parametrize("length", [0, 1, 256, 1000])
def test_impossible_lengths(lite, length):
    """A length that is not shorter, or leaves a part empty, is refused with the range."""
    with pytest.raises(SettingsError, match="from 2 to 255"):
        shortened(lite, length)
