"""The command that lists products which seem to be listed several times."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import DataOption, JsonOption, open_shop, print_json, print_table

if TYPE_CHECKING:
    from shopsight.catalog.product import Product
    from shopsight.search.duplicates import DuplicateGroup

_WORDS = {"same_picture": "same picture", "near_identical": "nearly the same"}

_SHOWN = 6
"""Ids of a group that fit into a table; JSON has all."""


def duplicates(
    context: typer.Context,
    threshold: Annotated[
        float | None,
        typer.Option(help="Least similarity of two pictures, up to 1: equal files only (0.95)."),
    ] = None,
    include_variants: Annotated[
        bool,
        typer.Option(
            "--include-variants", help="List variants of one item_group_id that look alike, too."
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most groups.")] = 50,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List products that share a picture, or nearly: perhaps one thing listed twice."""
    with open_shop(context, data) as shop:
        groups = shop.duplicates(threshold=threshold, include_variants=include_variants)
        shown = list(islice(groups, limit))
        more = sum(1 for _ in groups)
        titles = {} if json_output else _titles(shop.catalog.get([_first(one) for one in shown]))
    if json_output:
        print_json({"groups": [asdict(group) for group in shown], "total": len(shown) + more})
        return
    if not shown:
        typer.echo("No product shares a picture with another one, or nearly.")
        return
    columns = {"alike": "right", "pictures": "left", "products": "left", "first one": "left"}
    rows = [_row(group, titles.get(_first(group), "")) for group in shown]
    print_table(f"Perhaps listed twice: {len(shown) + more:,} groups", columns, rows)
    if more:
        typer.echo(f"... and {more:,} more groups: see --limit.", err=True)


def _row(group: DuplicateGroup, title: str) -> list[str]:
    ids = group.product_ids
    rest = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    variants = " (variants)" if group.variants else ""
    return [
        f"{group.score:.3f}",
        _WORDS[group.why] + variants,
        " ".join(ids[:_SHOWN]) + rest,
        title,
    ]


def _first(group: DuplicateGroup) -> str:
    return group.product_ids[0]


def _titles(products: dict[str, Product]) -> dict[str, str]:
    return {key: product.title for key, product in products.items()}
