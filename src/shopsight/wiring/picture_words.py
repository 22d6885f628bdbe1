"""Reads the words on the catalogue's pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shopsight.errors import MissingExtraError
from shopsight.images.prepare import decode
from shopsight.ingest.printed import PictureWords
from shopsight.settings import Settings
from shopsight.wiring.limits import image_limits
from shopsight.wiring.models import Models

READ_SIDE = 1280
"""Pixels of a picture's shorter side that are enough for its print."""

BUDGET_S = 20.0
"""Seconds for a picture: far more than one takes, since what is left out is never read again."""

SURE = 0.8
"""Confidence from which a line is taken: nobody looks at what is indexed."""


def picture_words(models: Models, settings: Settings, load: Callable[[str], bytes]) -> PictureWords:
    """What reads the words on a picture.

    Args:
        models: The text reader.
        settings: What a picture may cost.
        load: Where a picture is to its bytes.

    Raises:
        MissingExtraError: The extra ``ocr`` is not installed.
    """
    reader = models.text_reader(needed=True)
    if reader is None:
        raise MissingExtraError("Reading text on pictures", "ocr")
    limits = image_limits(settings)

    def words(location: str) -> str:
        image = decode(load(location), limits, target_side=READ_SIDE)
        lines = reader.read(np.asarray(image), BUDGET_S).lines
        return "\n".join(line.text for line in lines if line.confidence >= SURE)

    return words
