from __future__ import annotations

import inspect
import re

import pytest

from shopsight import errors


def drawn_tree() -> dict[str, str]:
    """Class -> parent, as drawn in the module's docstring."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}([│├└─ ]*)(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_docstring_draws_the_tree_as_it_is() -> None:
    """Every class is in the drawing, below the class it derives from, and nothing else is."""
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert drawn_tree() == {kind.__name__: kind.__bases__[0].__name__ for kind in classes}


def test_missing_extra_says_what_to_install() -> None:
    """The message of a missing extra is a command that can be copied."""
    error = errors.MissingExtraError("Reading video", "video")
    assert str(error) == "Reading video needs the extra 'video': pip install 'shopsight[video]'"
    assert (error.feature, error.extra) == ("Reading video", "video")


@pytest.mark.parametrize("kind", [errors.FetchError, errors.DecodeError])
def test_image_errors_carry_a_reason_for_programs(kind: type[errors.ImageError]) -> None:
    """Reports and metrics group image errors by a short code beside the message."""
    error = kind("The picture ends too early", reason="truncated")
    assert (str(error), error.reason) == ("The picture ends too early", "truncated")


def test_blocked_address_has_one_reason() -> None:
    """A refused address is always reported under the same code."""
    assert errors.BlockedAddressError("10.0.0.1 is private").reason == "blocked_address"
