from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shopsight.errors import FeedError
from shopsight.train.photos import Photo, gather_photos
from shopsight.train.split import Checked, check, split


def made(label: str, group: str, number: int, look: bytes = b"") -> Checked:
    """A photo as if it had been checked."""
    path = Path(f"{number}.jpg")
    return Checked(Photo(path, label, group), f"{number:064x}", look or bytes([number % 255 + 1]))


def test_unusable_pictures_are_reported(labelled: Path, tmp_path: Path) -> None:
    """A file that is no picture is left out with the reason, and the rest is kept."""
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    photos = [*gather_photos(labelled).photos, Photo(bad, "red", "bad")]
    found, problems = check(photos)
    assert len(found) == 36
    assert [problem.where for problem in problems] == [str(bad)]


@settings(deadline=None)  # a busy machine is no failure
@given(
    groups=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=30, max_size=80),
    seed=st.integers(0, 5),
)
def test_no_group_is_on_both_sides(groups: list[tuple[int, int]], seed: int) -> None:
    """Whatever the groups: both sides are disjoint, complete, and no label loses all photos."""
    photos = [
        made(f"l{label}", f"g{group}", n, bytes([1, n])) for n, (label, group) in enumerate(groups)
    ]
    try:
        found = split(photos, share=0.3, seed=seed)
    except FeedError:
        return  # one group holds too much
    left = {one.photo.group for one in found.train}
    right = {one.photo.group for one in found.validation}
    assert not left & right
    assert len(found.train) + len(found.validation) == len(photos)
    assert {p.photo.label for p in found.validation} <= {p.photo.label for p in found.train}


def test_copies_and_near_duplicates_stay_together(tmp_path: Path) -> None:
    """A copied file and the same picture saved again are on the side of the original."""
    rng = np.random.default_rng(0)
    photos = []
    for number in range(20):
        small = Image.fromarray(rng.integers(0, 255, (12, 12, 3), np.uint8))
        image = small.resize((120, 120), Image.Resampling.BICUBIC)
        names = [tmp_path / f"{number}{end}" for end in (".png", "-copy.png", ".jpg")]
        image.save(names[0])
        shutil.copy(names[0], names[1])
        image.save(names[2], quality=95)
        photos += [Photo(name, f"l{number % 2}", str(name)) for name in names]
    checked, _ = check(photos)
    found = split(checked, share=0.4, seed=0)
    sides = [
        {one.photo.path.name[:2].strip(".-") for one in side}
        for side in (found.train, found.validation)
    ]
    assert sides[1]
    for number in range(20):
        own = [p for p in photos if p.path.stem.split("-")[0] == str(number)]
        where = {p in {one.photo for one in found.train} for p in own[:2]}
        assert len(where) == 1
    assert len({one.digest for one in found.train} & {one.digest for one in found.validation}) == 0


def test_given_validation_photos_win(tmp_path: Path) -> None:
    """A photo whose copy is to be measured on is not learnt from."""
    photos = [made("a", "x", 1), made("a", "y", 2), made("b", "z", 3)]
    fixed = [Checked(Photo(tmp_path / "v.jpg", "a", "v"), photos[1].digest, b"\x99")]
    found = split(photos, share=0.5, seed=0, fixed=fixed)
    assert [one.photo.group for one in found.train] == ["x", "z"]
    assert "validation" in found.problems[0].reason


def test_too_few_photos_are_an_error() -> None:
    """Without photos on both sides there is nothing to learn or to measure."""
    with pytest.raises(FeedError, match="too few"):
        split([made("a", "x", 1), made("b", "y", 2)], share=0.2, seed=0)
