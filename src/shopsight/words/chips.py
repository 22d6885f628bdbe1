"""What is shown to the shopper of how the words were understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Chip:
    """A word of the query that was understood as more than a word, for the shopper to take away.

    Attributes:
        id: Names it in a query's ``ignore``, such as ``color:red``.
        kind: ``filter``: hits must fit; ``boost``: hits that fit come first; ``exclude``: hits must
            not fit; ``correction``: a typing error, read as another word.
        field: Field of the product it is about, such as ``color`` or ``price``; empty for a
            correction.
        label: What to show, such as ``red`` or ``under 40 EUR``, in the language of the query.
        text: The words of the query that it stands for.
    """

    id: str
    kind: Literal["filter", "boost", "exclude", "correction"]
    field: str
    label: str
    text: str
