from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopsight.encoders.categories import HEAD, CategoryHead, load_categories
from shopsight.errors import EncoderError


def head() -> CategoryHead:
    """Two classes, one per axis."""
    return CategoryHead(("Tässe", "杯"), np.eye(2, dtype=np.float32), np.zeros(2, np.float32), 0.5)


def test_head_survives_its_file(tmp_path: Path) -> None:
    """Labels in any script, weights and temperature come back, without pickled objects."""
    (tmp_path / HEAD).write_bytes(head().to_bytes())
    found = load_categories(tmp_path)
    assert found is not None
    assert (found.labels, found.temperature) == (("Tässe", "杯"), 0.5)
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    assert [row[0][0] for row in found.predict(vectors)] == ["Tässe", "杯"]
    shares = found.probabilities(vectors)
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert found.predict(vectors[:0]) == []


def test_folder_without_a_head_has_none(tmp_path: Path) -> None:
    """Not every encoder was trained on labels."""
    assert load_categories(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no archive", head().to_bytes()[:200]])
def test_damage_is_reported(tmp_path: Path, content: bytes) -> None:
    """A file that is cut short or something else is named."""
    (tmp_path / HEAD).write_bytes(content)
    with pytest.raises(EncoderError, match="damaged"):
        load_categories(tmp_path)


def test_mismatch_is_reported(tmp_path: Path) -> None:
    """Arrays that do not fit each other, and vectors of another encoder, are errors."""
    wrong = CategoryHead(("a",), np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    (tmp_path / HEAD).write_bytes(wrong.to_bytes())
    with pytest.raises(EncoderError, match="do not fit"):
        load_categories(tmp_path)
    with pytest.raises(EncoderError, match="dimension 2"):
        head().probabilities(np.ones((1, 3), np.float32))
