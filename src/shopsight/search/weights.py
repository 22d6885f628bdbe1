"""How much each part of a vector counts in a search: pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec
from shopsight.errors import QueryError
from shopsight.search.focus import Focus

FOCUSED = 0.9
"""Share of the score that the part in focus makes up; the other parts together make up the rest.

So ``color`` scores ``0.9 * cosine of the colours + 0.1 * cosine of the shapes``: the rest decides
between products that the focus takes for equal. See ``docs/architecture.md`` for why 0.9.
"""


def focuses(spec: EncoderSpec) -> tuple[Focus, ...]:
    """What searches with an encoder can focus on: without a colour part, not on colour."""
    has_color = any(part.name == COLOR for part in spec.all_parts)
    return tuple(focus for focus in Focus if has_color or focus is not Focus.COLOR)


def part_weights(
    spec: EncoderSpec, vector: NDArray[np.float32], focus: Focus
) -> NDArray[np.float32] | None:
    """Weights of a query's dimensions.

    Args:
        spec: Of the encoder that made the vector.
        vector: ``(dimension,)``, the query as the encoder made it.
        focus: What counts.

    Returns:
        ``(dimension,)`` float32, positive, equal within a part: what each dimension's product with
        another vector is multiplied by. ``None`` where all count as they are: the focus is
        balanced, the encoder has one part, or the query has nothing in the part, or nowhere else.

    Raises:
        QueryError: The encoder has no such part; says what to do.
    """
    if focus is Focus.BALANCED:
        return None
    check_focus(spec, focus)
    wanted = SHAPE if focus is Focus.SHAPE else COLOR
    part = next(part for part in spec.all_parts if part.name == wanted)
    share = float(np.vdot(vector[part.start : part.stop], vector[part.start : part.stop]))
    rest = float(np.vdot(vector, vector)) - share
    if min(share, rest) <= np.finfo(np.float32).eps:
        return None
    weights = np.full(len(vector), (1 - FOCUSED) / rest, np.float32)
    weights[part.start : part.stop] = FOCUSED / share
    return weights


def check_focus(spec: EncoderSpec, focus: Focus) -> None:
    """Make sure that searches with an encoder can have a focus.

    Raises:
        QueryError: They cannot; says what to do.
    """
    if focus not in focuses(spec):
        raise QueryError(
            f"A search cannot focus on {focus}: vectors of the encoder {spec.name!r} have no part "
            "for it. Leave the focus out, or index with an encoder that has one: set "
            "SHOPSIGHT_ENCODER and run `shopsight reindex`."
        )
