"""What reports are made of: HTML pages that need nothing else, no network and no other files."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from shopsight.errors import ImageError, StorageError
from shopsight.evaluate.pictures import Picture, prepare
from shopsight.images.prepare import ImageLimits
from shopsight.images.preprocessing import Preprocessing

THUMBNAIL = Preprocessing(size=144, fit="pad", interpolation="bilinear")
"""How pictures are shown."""

_QUALITY = 78


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with words under it.

    Attributes:
        link: The picture as a ``data:`` link; empty where it cannot be had.
        title: What it is.
        score: Of an answer; ``None`` for others.
        right: Whether an answer is right; ``None`` for others.
    """

    link: str
    title: str
    score: float | None = None
    right: bool | None = None


def page(title: str, body: Sequence[str]) -> str:
    """A whole page.

    Args:
        title: Its name, as text.
        body: Its parts, as HTML.
    """
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def write_page(path: Path, text: str) -> None:
    """Write a page; a file that is there is replaced.

    Raises:
        StorageError: It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The report {path} cannot be written: {error.strerror or error}."
        ) from error


def table(headings: Sequence[str], rows: Sequence[str]) -> str:
    """A table.

    Args:
        headings: As text.
        rows: The cells of each, as HTML.
    """
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def shown(heading: str, one: Shown) -> str:
    """A picture with a heading and words under it."""
    kind = {None: "", True: " right", False: " wrong"}[one.right]
    picture = f'<img src="{one.link}" alt="">' if one.link else '<span class="none"></span>'
    score = f" <small>{one.score:.3f}</small>" if one.score is not None else ""
    words = f"<b>{escape(heading)}</b>{escape(one.title)}{score}"
    return f'<div class="shown{kind}">{picture}{words}</div>'


def failed_pictures(failed: Mapping[str, str]) -> list[str]:
    """Names of pictures that could not be used, with the reasons; nothing if there are none."""
    if not failed:
        return []
    lines = "".join(f"<li>{escape(name)}: {escape(why)}</li>" for name, why in failed.items())
    return [f"<h2>Pictures that could not be used</h2><ul>{lines}</ul>"]


def picture_link(picture: Picture, limits: ImageLimits) -> str:
    """A small copy of a picture as a ``data:`` link; empty where it cannot be had."""
    try:
        pixels = prepare(picture.load(), picture.box, THUMBNAIL, limits)
    except ImageError:
        return ""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
