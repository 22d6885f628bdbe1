"""What a search looks at more closely. Imports nothing heavy: the command line names it in help."""

from __future__ import annotations

from enum import StrEnum

from shopsight.errors import QueryError


class Focus(StrEnum):
    """What makes products alike.

    What comes of each is computed in :mod:`shopsight.search.weights`.
    """

    SHAPE = "shape"
    """Form and kind come first, in whatever colour."""

    BALANCED = "balanced"
    """All parts of a vector count as the encoder weighted them."""

    COLOR = "color"
    """Colour comes first, on whatever thing."""

    @classmethod
    def named(cls, name: str) -> Focus:
        """The focus of a name.

        Raises:
            QueryError: There is none of that name; lists those there are.
        """
        try:
            return cls(name)
        except ValueError:
            raise QueryError(f"There is no focus {name!r}: take one of {', '.join(cls)}.") from None
