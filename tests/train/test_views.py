from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import FetchError
from shopsight.images.preprocessing import Preprocessing
from shopsight.train.views import plain_view, random_view


def test_views_differ_but_keep_the_colour(labelled: Path) -> None:
    """Views have the size asked for, depend on the seed alone, and red stays red."""
    path = labelled / "red" / "0.jpg"
    views = [random_view(path, 24, np.random.default_rng(seed)) for seed in range(20)]
    again = random_view(path, 24, np.random.default_rng(3))
    assert all(view.shape == (24, 24, 3) and view.dtype == np.uint8 for view in views)
    assert (views[3] == again).all()
    assert any((view != views[0]).any() for view in views[1:])
    means = np.array([view.mean(axis=(0, 1)) for view in views])
    assert (means.argmax(axis=1) == 0).all()


def test_plain_view_is_what_the_encoder_sees(labelled: Path) -> None:
    """Without chance: the encoder's own preparation."""
    view = plain_view(labelled / "blue" / "1.jpg", Preprocessing(size=32))
    assert view.shape == (32, 32, 3)


def test_missing_picture_is_named(tmp_path: Path) -> None:
    """A file that has gone since it was checked is an error of ours."""
    with pytest.raises(FetchError, match=r"gone\.jpg"):
        random_view(tmp_path / "gone.jpg", 24, np.random.default_rng(0))
