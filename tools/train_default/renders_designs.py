"""Random designs for the training renders: what is modelled, in which colours, with which words.

None of them is a product of the sample shop: colours, brands, words, prints and patterns are drawn
anew from the seed, and proportions are stretched.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

SIBLING_SHARE = 0.4
GENERATED_SHARE = 0.65
COLOR_DISTANCE = 0.3

WOODS = ("oak", "walnut", "beech", "ash", "black", "cherry", "bamboo")
PATTERNS = (
    "stripes",
    "wide stripes",
    "breton",
    "dots",
    "plaid",
    "chevron",
    "leaves",
    "terrazzo",
    "triangles",
    "arches",
    "stars",
    "marble",
)
PRINTS = ("sunset", "whale", "bicycle", "flowers", "cat", "rings", "band")
COVERS = ("hills", "grid", "leaf", "moon", "fork")
DIALS = ("arabic", "ticks", "dots", "roman")
LABELS = ("0", "1", "2", "3")
FACES = ("sans", "bold", "light", "narrow", "dash", "serif", "serifbold", "italic", "mono")

# Shapes of each category, then its decorations; "@" stands for a drawn word, wood or motif.
RANGE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mug": (
        ("straight", "round", "cone", "tall", "barrel"),
        ("plain", "dip", "speckle", "band", "print:@", "print:@", "slogan:@", "pattern:@"),
    ),
    "bottle": (
        ("steel", "steel", "slim", "sport", "tumbler", "glass"),
        ("plain", "plain", "dip", "print:@"),
    ),
    "vase": (
        ("classic", "bottle", "gourd", "cylinder", "sphere", "ribbed", "twist"),
        ("matte", "glass", "plain", "dip", "speckle", "band", "pattern:@", "print:@"),
    ),
    "lamp": (("mushroom", "arm", "wood", "tripod", "ceramic", "gourd"), ("plain",)),
    "chair": (("ladder", "spindle", "shell", "upholstered"), ("wood:@",)),
    "stool": (("round", "bar", "padded", "pouffe"), ("wood:@", "leather:@", "wood:metal")),
    "table": (("round", "pedestal", "square", "drum"), ("wood:@", "paint:@", "marble:@")),
    "plant": (
        ("taper", "cylinder", "round", "rim", "legs"),
        tuple(
            f"{plant}:{glaze}"
            for plant in ("snake", "succulent", "fern", "rubber", "cactus")
            for glaze in ("glaze", "clay", "speckle", "dip")
        ),
    ),
    "bowl": (
        ("deep", "wide", "footed", "straight"),
        ("lined", "plain", "speckle", "dip", "band", "pattern:@", "wood:@"),
    ),
    "cushion": (
        ("square", "square", "long"),
        ("pattern:@", "pattern:@", "pattern:@", "print:@", "heather", "plain"),
    ),
    "tote": (("bag",), ("print:@", "print:@", "slogan:@", "pattern:@", "logo", "twotone")),
    "backpack": (("day", "rolltop", "pockets"), ("plain",)),
    "tshirt": (("crew",), ("print:@", "print:@", "slogan:@", "pattern:@", "logo", "ringer", "")),
    "cap": (("base", "base", "bucket"), ("plain", "twotone")),
    "headphones": (("over", "on"), ("metal", "light", "plain")),
    "clock": (DIALS, ("wood:@", "metal", "paint")),
    "book": (COVERS, ("",)),
    "box": (LABELS, ("",)),
    "can": (LABELS, ("gold", "")),
    "pouch": (LABELS, ("",)),
    "candle": (("jar", "tin", "tall"), ("",)),
    "ball": (("football", "basketball", "beach", "volley", "rings"), ("",)),
    "watch": (
        DIALS,
        tuple(
            f"{strap}:{case}"
            for strap in ("leather", "fabric", "rubber", "mesh")
            for case in ("gold", "steel", "black", "rose")
        ),
    ),
    "phonecase": (("case",), ("pattern:@", "pattern:@", "print:@", "plain", "leather", "wood:@")),
}
LABELLED = ("box", "can", "pouch")
ADJECTIVES, NOUNS, GOODS, ONSETS, VOWELS, ENDINGS = (
    tuple(words.split())
    for words in (
        (
            "Amber Bold Calm Cold Crisp Deep Early Gentle Golden Green Honest Late Little Lucky "
            "Mellow Northern Old Plain Rough Salted Silent Smoky Soft Spiced Sunny Sweet Velvet "
            "Warm Wild Winter"
        ),
        (
            "Acorn Almond Barley Basil Bay Berry Brook Cedar Cherry Clove Coast Copper Dune Ember "
            "Fig Garden Ginger Harbour Hazel Honey Lemon Linden Maple Meadow Mint Moss Olive "
            "Orchard Pepper Plum River Rye Sage Sesame Stone Thyme Vanilla Walnut Willow Wind"
        ),
        "Tea Coffee Biscuits Cocoa Granola Oats Pasta Rice Crackers Chips Muesli Sugar",
        "b br c d dr f fl g gr h j k l m n p pr qu r s sk st t tr v w y z",
        "a e i o u ai ea io",
        "ck d l ll m n nd r rn s sk t th x",
    )
)


@dataclass(frozen=True)
class Design:
    """One product to render.

    Attributes:
        id: Of the product.
        group: Shared by the variants of a design.
        category: One of the sample shop's builders.
        shape: Variant of the model.
        colors: Main and second colour as ``#rrggbb``.
        deco: Decoration in the sample shop's notation.
        brand: Invented; may be empty.
        text: Title on a label or cover.
        note: Second line on it.
        seed: Of patterns and creases.
        stretch: Factors of width, depth and height.
        bend: Taper, and depth, speed and phase of a wave along the height.
    """

    id: str
    group: str
    category: str
    shape: str
    colors: tuple[str, str]
    deco: str
    brand: str
    text: str
    note: str
    seed: int
    stretch: tuple[float, float, float]
    bend: tuple[float, float, float, float]


def color(rng: np.random.Generator) -> str:
    """Any colour that goods have: most muted, some nearly grey, some loud."""
    hue, kind = rng.random(), rng.random()
    if kind < 0.2:
        tone = (
            hue,
            rng.uniform(0.0, 0.1),
            rng.choice([rng.uniform(0.1, 0.3), rng.uniform(0.75, 0.95)]),
        )
    elif kind < 0.78:
        tone = (hue, rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.9))
    else:
        tone = (hue, rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.95))
    red, green, blue = (round(255 * v) for v in colorsys.hsv_to_rgb(*map(float, tone)))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _distance(one: str, other: str) -> float:
    return float(np.linalg.norm(_channels(one) - _channels(other)))


def _channels(code: str) -> np.ndarray:
    return np.array([int(code[k : k + 2], 16) for k in (1, 3, 5)]) / 255


def colors(rng: np.random.Generator, without: list[str]) -> tuple[str, str]:
    """Main and second colour, apart from each other and the main one from its siblings'."""
    while True:
        main, second = color(rng), color(rng)
        apart = all(_distance(main, used) > COLOR_DISTANCE for used in without)
        if apart and _distance(main, second) > COLOR_DISTANCE:
            return main, second


def pick(rng: np.random.Generator, choices: tuple[str, ...] | list[str]) -> str:
    """One of the choices."""
    return choices[int(rng.integers(len(choices)))]


def invent_brands(seed: int, count: int, taken: set[str]) -> dict[str, tuple[str, str, str]]:
    """Brand names that no one took yet, each with a typeface, a colour and a mark."""
    rng = np.random.default_rng([seed, 1])
    brands: dict[str, tuple[str, str, str]] = {}
    while len(brands) < count:
        syllables = [pick(rng, ONSETS) + pick(rng, VOWELS) for _ in range(int(rng.integers(1, 3)))]
        name = ("".join(syllables) + pick(rng, ENDINGS)).capitalize()
        if name not in taken:
            brands[name] = (pick(rng, FACES), color(rng), f"gen:{int(rng.integers(1_000_000))}")
    return brands


def _motif(rng: np.random.Generator, known: tuple[str, ...]) -> str:
    if rng.random() < GENERATED_SHARE:
        return f"gen:{int(rng.integers(1_000_000))}"
    return pick(rng, known)


def _slogan(rng: np.random.Generator) -> str:
    words = f"{pick(rng, ADJECTIVES)}\n{pick(rng, NOUNS)}"
    style: Callable[[str], str] = (str.upper, str.lower, str.title)[int(rng.integers(3))]
    return style(words)


def decoration(rng: np.random.Generator, category: str) -> str:
    """A decoration of the category with its motif, word or wood drawn."""
    deco = pick(rng, RANGE[category][1])
    kind, _, extra = deco.partition(":")
    if extra != "@":
        return deco
    if kind == "pattern":
        return f"pattern:{_motif(rng, PATTERNS)}"
    if kind == "print":
        return f"print:{_motif(rng, PRINTS)}"
    return f"slogan:{_slogan(rng)}" if kind == "slogan" else f"{kind}:{pick(rng, WOODS)}"


def _shape(rng: np.random.Generator, category: str) -> str:
    generated = rng.random() < GENERATED_SHARE
    if generated and category in LABELLED:
        return str(int(rng.integers(10, 1_000_000)))
    if generated and category == "book":
        return f"gen:{int(rng.integers(1_000_000))}"
    return pick(rng, RANGE[category][0])


def _words(rng: np.random.Generator, category: str) -> tuple[str, str]:
    name = f"{pick(rng, ADJECTIVES)} {pick(rng, NOUNS)}"
    weight = f"{int(rng.integers(5, 100)) * 10} g"
    if category == "book":
        first, last = pick(rng, NOUNS), pick(rng, ONSETS) + pick(rng, VOWELS) + pick(rng, ENDINGS)
        return f"The {name}", f"{first} {last.title()}"
    if category in LABELLED:
        return f"{name} {pick(rng, GOODS)}", weight
    return (name, weight) if category == "candle" else ("", "")


def _settle(rng: np.random.Generator, design: Design) -> Design:
    """Give the categories whose builders read a field in their own way what they expect."""
    category, shape, deco = design.category, design.shape, design.deco
    main, second = design.colors
    tone = deco.partition(":")[2]
    if category == "lamp":
        wooden = shape in ("wood", "tripod")
        drawn = f"wood:{pick(rng, WOODS)}" if wooden else pick(rng, ("plain", "speckle"))
        deco = pick(rng, ("opal", "plain")) if shape == "mushroom" else drawn
        pale = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.02, 0.35), rng.uniform(0.8, 0.97))
        second = "#" + "".join(f"{round(255 * v):02x}" for v in pale)
    elif category == "stool" and shape in ("round", "bar") and rng.random() < SIBLING_SHARE:
        second = "painted"
    elif category == "table" and shape == "drum" and not deco.startswith("marble"):
        deco = f"{pick(rng, ('metal', 'paint'))}:{tone}"
    elif category == "table" and deco.startswith("marble") and rng.random() < SIBLING_SHARE:
        deco = "marble:metal"
    return replace(design, deco=deco, colors=(main, second))


def _sibling(rng: np.random.Generator, first: Design, used: list[Design]) -> Design:
    """The same design in another colour, or sometimes with another pattern in the same colours."""
    kind, _, motif = first.deco.partition(":")
    main, second = colors(rng, [d.colors[0] for d in used])
    if kind in ("pattern", "print") and rng.random() < SIBLING_SHARE:
        known = PATTERNS if kind == "pattern" else PRINTS
        return replace(first, deco=f"{kind}:{_motif(rng, known)}", seed=first.seed + 1)
    if first.colors[1] == "painted":
        second = "painted"
    if kind in ("wood", "marble") and motif in WOODS:
        rest = [tone for tone in WOODS if tone not in {d.deco.partition(":")[2] for d in used}]
        return replace(first, deco=f"{kind}:{pick(rng, rest)}", colors=(main, second))
    return replace(first, colors=(main, second))


def make_design(seed: int, number: int, category: str, brands: list[str]) -> list[Design]:
    """The variants of one design; mostly one, else two or three."""
    rng = np.random.default_rng([seed, 2, number])
    text, note = _words(rng, category)
    group = f"D{number:04d}"
    stretch = tuple(float(v) for v in rng.uniform(0.88, 1.14, 3))
    if category in ("clock", "watch", "ball"):
        stretch = (1.0, 1.0, 1.0)
    elif category not in ("book", "box", "pouch", "cushion", "table", "backpack"):
        stretch = (stretch[0], stretch[0], stretch[2])
    first = Design(
        id=f"{category}-{number:04d}a",
        group=group,
        category=category,
        shape=_shape(rng, category),
        colors=colors(rng, []),
        deco=decoration(rng, category),
        brand=pick(rng, brands) if rng.random() < 0.75 else "",
        text=text,
        note=note,
        seed=int(rng.integers(1_000_000)),
        stretch=(stretch[0], stretch[1], stretch[2]),
        bend=(
            float(rng.uniform(-0.25, 0.25)),
            float(rng.uniform(0.0, 0.09)),
            float(rng.uniform(3, 9)),
            float(rng.uniform(0, 6.3)),
        ),
    )
    variants = [_settle(rng, first)]
    if rng.random() < SIBLING_SHARE:
        for letter in "bc"[: int(rng.integers(1, 3))]:
            other = _sibling(rng, variants[0], variants)
            variants.append(replace(other, id=f"{category}-{number:04d}{letter}"))
    return variants


def make_designs(seed: int, products: int, brands: list[str]) -> list[list[Design]]:
    """Designs with ``products`` variants in all or a few more.

    Args:
        seed: Another seed makes other designs.
        products: Least number of variants in all.
        brands: Names to choose from.

    Returns:
        The variants of each design; every run of 24 designs has each category once.
    """
    rng = np.random.default_rng([seed, 3])
    designs: list[list[Design]] = []
    total = 0
    while total < products:
        for k in rng.permutation(len(RANGE)):
            variants = make_design(seed, len(designs), list(RANGE)[k], brands)
            designs.append(variants)
            total += len(variants)
    return designs
