"""Keeps what is learnt from apart from what is measured on."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from shopsight.errors import FeedError, ImageError
from shopsight.images.prepare import ImageLimits, decode, read_local
from shopsight.train.photos import Photo, Problem

LIMITS = ImageLimits()
"""What one picture may cost."""

_PRINT_SIDE = 16
_PART = 64


@dataclass(frozen=True, slots=True)
class Checked:
    """A photo that can be decoded.

    Attributes:
        photo: The photo.
        digest: SHA-256 of its bytes.
        print: 240 signs of the differences between neighbours of the picture at 16 x 16 (dHash).
    """

    photo: Photo
    digest: str
    print: bytes


@dataclass(frozen=True, slots=True)
class Split:
    """Photos on both sides; no group, file or near duplicate is on both.

    Attributes:
        train: To learn from.
        validation: To measure on.
        problems: Photos left out.
    """

    train: list[Checked]
    validation: list[Checked]
    problems: list[Problem]


def check(
    photos: Sequence[Photo], progress: Callable[[int], None] = lambda _: None
) -> tuple[list[Checked], list[Problem]]:
    """Decode every picture once; those that cannot be used come as problems.

    Args:
        photos: To be checked.
        progress: Told the number of photos done.
    """
    found: list[Checked] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(photos), _PART):
            part = photos[start : start + _PART]
            for photo, result in zip(part, pool.map(_fingerprint, part), strict=True):
                if isinstance(result, ImageError):
                    problems.append(Problem(str(photo.path), str(result)))
                else:
                    found.append(Checked(photo, *result))
            progress(start + len(part))
    return found, problems


def _fingerprint(photo: Photo) -> tuple[str, bytes] | ImageError:
    try:
        data = read_local(photo.path, LIMITS)
        image = decode(data, LIMITS, target_side=4 * _PRINT_SIDE)
    except ImageError as error:
        return error
    size = (_PRINT_SIDE, _PRINT_SIDE)
    small = np.asarray(image.convert("L").resize(size, Image.Resampling.BOX), np.int16)
    signs = np.packbits(small[:, 1:] > small[:, :-1]).tobytes()
    return hashlib.sha256(data).hexdigest(), signs


def split(
    photos: Sequence[Checked], *, share: float, seed: int, fixed: Sequence[Checked] | None = None
) -> Split:
    """Divide photos by group.

    Copies and near duplicates join the groups of their photos. Catalogue pictures are divided only
    where there are no photos; otherwise they are all learnt from.

    Args:
        photos: To learn from, and to choose validation photos from.
        share: Of the photos that is set aside, 0 to 1; every label keeps at least one photo.
        seed: Of the choice.
        fixed: The validation photos, if they are given; photos equal to one of them, or of one of
            its groups, are then left out of what is learnt from.

    Raises:
        FeedError: One side would be empty.
    """
    result = _against(photos, fixed) if fixed is not None else _chosen(photos, share, seed)
    if not result.train or not result.validation:
        raise FeedError(
            f"{len(result.train)} photos to learn from and {len(result.validation)} to measure on "
            "are too few: both sides need photos, in groups of their own, and every label two"
        )
    return result


def _against(photos: Sequence[Checked], fixed: Sequence[Checked]) -> Split:
    taken = {key for one in fixed for key in _keys(one)}
    train, problems = [], []
    for one in photos:
        if taken.isdisjoint(_keys(one)):
            train.append(one)
        else:
            reason = "the same picture, or one of its group, is among the validation photos"
            problems.append(Problem(str(one.photo.path), reason))
    return Split(train, list(fixed), problems)


def _chosen(photos: Sequence[Checked], share: float, seed: int) -> Split:
    named = [one for one in photos if one.photo.named and not one.photo.catalogue] or list(photos)
    others = [one for one in photos if one.photo.catalogue] if len(named) < len(photos) else []
    groups = _joined(named)
    members: dict[int, list[Checked]] = defaultdict(list)
    for group, one in zip(groups, named, strict=True):
        members[group].append(one)
    unnamed = not named[0].photo.named
    left = Counter(one.photo.label for one in (*named, *others))
    order = sorted(members)
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    chosen: set[int] = set()
    taken = 0
    most = max(1, round(1.05 * share * len(named)))
    if min(len(found) for found in members.values()) > most:
        order.sort(key=lambda group: len(members[group]))  # all are large: the smallest must do
        most = len(members[order[0]])
    for group in order:
        part = Counter(one.photo.label for one in members[group])
        fits = unnamed or all(left[label] > count for label, count in part.items())
        if fits and taken + part.total() <= most:
            chosen.add(group)
            left -= part
            taken += part.total()
    train = [one for group, one in zip(groups, named, strict=True) if group not in chosen]
    validation = [one for group, one in zip(groups, named, strict=True) if group in chosen]
    apart = _against(others, validation)
    return Split(train + apart.train, validation, apart.problems)


def _joined(photos: Sequence[Checked]) -> list[int]:
    """Numbers of the photos' groups, where photos that share any key are in one."""
    parent = list(range(len(photos)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    first: dict[str | bytes, int] = {}
    for number, one in enumerate(photos):
        for key in _keys(one):
            parent[root(number)] = root(first.setdefault(key, number))
    return [root(number) for number in range(len(photos))]


def _keys(one: Checked) -> tuple[str | bytes, ...]:
    """What photos of one group share: its name, the file's bytes, or how it looks.

    A picture without differences looks like any other such, which means nothing.
    """
    plain = not any(one.print)
    keys: tuple[str | bytes, ...] = (one.photo.group, one.digest)
    return keys if plain else (*keys, one.print)
