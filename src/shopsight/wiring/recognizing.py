"""Puts the recognition of products together."""

from __future__ import annotations

from collections.abc import Sequence

from shopsight.catalog.store import CatalogStore
from shopsight.index.base import FieldType
from shopsight.index.filters import Compare, Filter, In, Op, Or
from shopsight.recognize.gtins import page
from shopsight.recognize.product import ProductRecognizer, Sources, Stages
from shopsight.settings import Settings
from shopsight.wiring.limits import image_limits
from shopsight.wiring.models import Models
from shopsight.wiring.serving import Serving

_SAME_CODE = 20
"""Products with one code at most; more say nothing."""

_MORE_CODES = "gtins"
"""Attribute with the codes of variants; see :mod:`shopsight.catalog.variants`."""


def product_recognizer(
    serving: Serving, catalog: CatalogStore, models: Models, settings: Settings
) -> ProductRecognizer:
    """The recogniser of a shop's products.

    Args:
        serving: The index.
        catalog: Where products come from.
        models: Encoder, detector and text reader.
        settings: Stages and limits.
    """

    def by_gtin(spellings: Sequence[str]) -> Sequence[str]:
        where: Filter = In("gtin", tuple(spellings))
        if serving.collection.store.schema.fields.get(_MORE_CODES) is FieldType.STRINGS:
            more = (Compare(_MORE_CODES, Op.EQ, one) for one in spellings)
            where = Or((where, *more))
        return serving.engine.having(where, _SAME_CODE)

    def by_link(link: str) -> Sequence[str]:
        wanted = page(link)
        _, slash, path = wanted.partition("/")
        if not slash:
            return ()  # a shop's first page is no product's
        found = [one for one in catalog.linked(f"/{path}", _SAME_CODE) if page(one.link) == wanted]
        same = [one.id for one in found if one.link == link]  # pages may differ in their query only
        return same or [one.id for one in found]

    return ProductRecognizer(
        Sources(
            engine=serving.engine,
            reader=serving.reader,
            calibration=serving.calibration.get,
            verifies=lambda: serving.verification.exists,
            verify=serving.verification.judge,
            vocabulary=serving.words.vocabulary,
            text_reader=models.text_reader,
            by_gtin=by_gtin,
            by_link=by_link,
            by_words=serving.engine.saying,
            products=catalog.get,
        ),
        image_limits(settings),
        Stages(
            barcodes=settings.recognize_barcodes,
            barcode_budget_s=settings.recognize_barcode_budget_ms / 1000,
            text_budget_s=settings.ocr_budget_ms / 1000,
            certain=settings.recognize_certain,
            threshold=settings.recognize_threshold,
        ),
    )
