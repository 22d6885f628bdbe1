"""What attributes of products are about, judged by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache


class Role(StrEnum):
    """What an attribute says of a product."""

    TITLE = "title"
    DESCRIPTION = "description"
    COLOR = "color"
    MATERIAL = "material"
    PATTERN = "pattern"
    OTHER = "other"


@dataclass(slots=True)
class FieldValues:
    """Values of a field.

    Attributes:
        values: Products by value, as it is in the catalogue.
        products: Products that have any.
    """

    values: dict[str, int] = field(default_factory=dict)
    products: int = 0


_NAMES = {
    Role.TITLE: ("title", "name", "titel", "titre", "titulo", "标题", "名称", "品名"),
    Role.DESCRIPTION: (
        *("description", "desc", "summary", "details", "beschreibung", "body"),
        *("描述", "简介", "详情", "说明"),
    ),
    Role.COLOR: (
        *("color", "colour", "colors", "colours", "shade", "farbe", "couleur", "colore"),
        *("颜色", "颜色分类", "色彩", "主色", "色"),
    ),
    Role.MATERIAL: (
        *("material", "materials", "fabric", "composition", "materiau", "materiale"),
        *("材质", "材料", "面料", "质地"),
    ),
    Role.PATTERN: ("pattern", "patterns", "print", "motif", "muster", "图案", "花纹", "花型"),
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_ESCAPED = re.compile(r"u([0-9a-f]{4,5})(?![0-9a-f])")


@lru_cache(maxsize=1024)
def role(name: str) -> Role:
    """What an attribute is about.

    Args:
        name: As in filters: lower-case snake case. What feed readers wrote as code points, such as
            ``u989c_u8272`` for 颜色, is understood.
    """
    first, *others = readable(name).split() or [""]
    if first in _ROLES:
        return _ROLES[first]
    # A brand_name is no name of the product.
    known = (_ROLES[part] for part in others if part in _ROLES)
    return next((found for found in known if found is not Role.TITLE), Role.OTHER)


def readable(name: str) -> str:
    """An attribute's name for people: ``base_color`` is ``base color``, ``u989c_u8272`` is 颜色."""
    words: list[str] = []
    joined = False
    for part in name.split("_"):
        match = _ESCAPED.fullmatch(part)
        if match and joined:
            words[-1] += chr(int(match[1], 16))
        else:
            words.append(chr(int(match[1], 16)) if match else part)
        joined = match is not None
    return " ".join(words)
