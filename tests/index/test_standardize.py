from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from shopsight.errors import VectorIndexError
from shopsight.index.standardize import Standardizer

_vectors = npst.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.floats(-1000, 1000, width=32),
)


@settings(deadline=None)
@given(_vectors, st.lists(st.integers(0, 40), max_size=5))
def test_batches_do_not_matter(vectors, cuts):
    """However the catalogue is cut into batches, mean and deviation equal those of the whole."""
    batches = np.split(vectors, sorted(cut for cut in cuts if cut <= len(vectors)))
    fitted = Standardizer.fit(batches)
    exact = vectors.astype(np.float64)
    np.testing.assert_allclose(fitted.mean, exact.mean(axis=0), rtol=1e-5, atol=1e-4)
    varied = exact.std(axis=0) > 1e-3
    np.testing.assert_allclose(fitted.std[varied], exact.std(axis=0)[varied], rtol=1e-4)
    assert (fitted.std > 0).all()


@settings(deadline=None)
@given(_vectors)
def test_invert_undoes_apply(vectors):
    """Scaling there and back gives the vectors again, up to rounding."""
    fitted = Standardizer.fit([vectors])
    back = fitted.invert(fitted.apply(vectors))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, vectors, rtol=1e-4, atol=1e-3)


@settings(deadline=None)
@given(_vectors)
def test_survives_json(vectors):
    """Written to JSON and read back, the scaling is bit for bit the same."""
    fitted = Standardizer.fit([vectors])
    again = Standardizer.from_dict(json.loads(json.dumps(fitted.to_dict())))
    np.testing.assert_array_equal(again.mean, fitted.mean)
    np.testing.assert_array_equal(again.std, fitted.std)


def test_result_is_standard():
    """Scaled vectors have mean 0 and deviation 1, even far from the origin."""
    vectors = np.random.default_rng(0).normal(5000, 0.5, (4000, 3)).astype(np.float32)
    scaled = Standardizer.fit(np.array_split(vectors, 7)).apply(vectors)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=2e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)


def test_constant_dimensions_stay_quiet():
    """A dimension that never varies is only shifted, and one vector alone becomes zeros."""
    vectors = np.array([[1, 0.1], [2, 0.1], [3, 0.1]], np.float32)
    fitted = Standardizer.fit([vectors[:2], vectors[2:]])
    assert fitted.std[1] == 1
    np.testing.assert_allclose(fitted.apply(vectors)[:, 1], 0, atol=1e-6)
    assert not Standardizer.fit([vectors[:1]]).apply(vectors[:1]).any()


@pytest.mark.parametrize(
    "batches",
    [
        [],
        [np.zeros((0, 3), np.float32)],
        [np.zeros((2, 3)), np.zeros((2, 4))],
        [np.zeros(3)],
        [np.full((2, 3), np.nan)],
    ],
)
def test_what_cannot_be_fitted(batches):
    """No vectors, vectors of different lengths, and vectors that are not finite are refused."""
    with pytest.raises(VectorIndexError):
        Standardizer.fit(batches)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mean": "?", "std": "?"},
        {"mean": "AAAAAA==", "std": ""},
        {"mean": "AAAAAA==", "std": "AAAAAA=="},
        {"mean": "AAA=", "std": "AAA="},
    ],
)
def test_damaged_record(values):
    """A damaged record of the scaling is refused rather than used."""
    with pytest.raises(VectorIndexError, match="damaged"):
        Standardizer.from_dict(values)
