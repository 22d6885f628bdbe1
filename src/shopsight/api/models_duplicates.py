"""What the API answers about products that seem to be listed several times."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shopsight.search.duplicates import DuplicateGroup


class DuplicateItem(BaseModel):
    """Products that look like one listed several times.

    Attributes:
        product_ids: At least two.
        score: Each of them is at least this alike to another one.
        why: ``same_picture``: the same file joins them all; ``near_identical``: pictures that are
            nearly the same.
        variants: All have the same ``item_group_id``.
    """

    product_ids: list[str] = Field(min_length=2)
    score: float = Field(ge=0, le=1)
    why: Literal["same_picture", "near_identical"]
    variants: bool

    @classmethod
    def of(cls, group: DuplicateGroup) -> DuplicateItem:
        """The answer for a group."""
        return cls(
            product_ids=list(group.product_ids),
            score=group.score,
            why=group.why,
            variants=group.variants,
        )


class DuplicatePage(BaseModel):
    """Groups with the same picture first, then the most alike.

    Attributes:
        groups: One page.
        total: All groups.
        next: The ``offset`` of the next page; ``null`` on the last.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "groups": [
                        {
                            "product_ids": ["MUG001", "MUG001-OLD"],
                            "score": 1.0,
                            "why": "same_picture",
                            "variants": False,
                        }
                    ],
                    "total": 1,
                    "next": None,
                }
            ]
        }
    )

    groups: list[DuplicateItem]
    total: int
    next: int | None
