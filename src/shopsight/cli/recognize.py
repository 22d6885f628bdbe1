"""The command that recognises products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import DataOption, JsonOption, open_shop, price_text
from shopsight.cli.recognition import OutOption, PhotosArgument, answer_photos, rows_of

if TYPE_CHECKING:
    from shopsight.photo_lists import PhotoRow
    from shopsight.recognize.answers import Recognition


def recognize(
    context: typer.Context,
    photos: PhotosArgument,
    out: OutOption = None,
    regions: Annotated[
        bool | None,
        typer.Option("--regions/--no-regions", help="Whether to look for the main subject."),
    ] = None,
    ocr: Annotated[
        bool | None, typer.Option("--ocr/--no-ocr", help="Whether to read text (SHOPSIGHT_OCR).")
    ] = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Say which product each photo shows: by codes, printed words and looks."""
    rows = rows_of(photos)
    wanted = {None: None, True: "on", False: "off"}[ocr]
    with open_shop(context, data, ocr=wanted) as shop:
        shop.warm()

        def one(row: PhotoRow) -> Recognition:
            return shop.recognize(row.path, regions=regions)

        def title_of(key: str) -> str:
            product = shop.catalog.get([key]).get(key)
            if product is None:
                return ""
            price = product.current_price
            return product.title if price is None else f"{product.title}, {price_text(price)}"

        answer_photos("product", rows, one, out=out, json_output=json_output, title_of=title_of)
