from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import Pixels, Vectors
from shopsight.images.boxes import Box
from shopsight.recognize.brand import (
    BrandKnowledge,
    BrandRecognition,
    BrandSenses,
    KnownBrand,
    LikeProducts,
    logo_probability,
    recognize_brands,
)
from shopsight.recognize.brand_gallery import gallery_of, looks_of_box
from shopsight.recognize.brand_names import BrandNames
from shopsight.recognize.text import TextLine
from shopsight.regions.base import Region
from shopsight.testing.fakes import ThumbnailEncoder


class ColourEncoder(ThumbnailEncoder):
    """Encoder that sees the colours of a picture, wherever they are; cells add up to the vector."""

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures."""
        return self.encode_cells(pixels)[0]

    def encode_cells(self, pixels: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """Embed prepared pictures, and each of their 8 x 8 cells by its main colour."""
        means = pixels.reshape(len(pixels), 8, 4, 8, 4, 3).mean(axis=(2, 4))
        cells = np.zeros((len(pixels), 8, 8, self.spec.dimension), np.float32)
        numbers = (means // 64).astype(int) @ (16, 4, 1)
        np.put_along_axis(cells, numbers[..., None], 1.0, axis=3)
        vectors = cells.sum(axis=(1, 2))
        lengths = np.linalg.norm(vectors, axis=1)
        return vectors / lengths[:, None], cells / lengths[:, None, None, None]


ENCODER = ColourEncoder()
BRANDS = {
    "kavoa": KnownBrand("Kavoa", "https://kavoa.example"),
    "bramlo": KnownBrand("Bramlo"),
}
NAMES = BrandNames([("kavoa", "Kavoa"), ("bramlo", "Bramlo")])
NO_LOGOS = BrandKnowledge(BRANDS, NAMES)
PHOTO = Image.new("RGB", (80, 60), (90, 120, 30))


def with_logo(color: tuple[int, int, int], left: int = 0) -> Image.Image:
    """A photo with a coloured square."""
    image = PHOTO.copy()
    image.paste(color, (left, 0, left + 30, 30))
    return image


def known_by_colour() -> BrandKnowledge:
    """Kavoa's logo is a red square, Bramlo's a blue one."""
    box = Box(0, 0, 30 / 80, 0.5)
    red = looks_of_box(ENCODER, with_logo((230, 20, 20)), box)
    blue = looks_of_box(ENCODER, with_logo((20, 20, 230)), box)
    nothing = np.zeros((0, ENCODER.spec.dimension), np.float32)
    return BrandKnowledge(BRANDS, NAMES, gallery_of({"kavoa": [red], "bramlo": [blue]}, nothing))


def recognized(
    image: Image.Image = PHOTO,
    known: BrandKnowledge = NO_LOGOS,
    *,
    lines: tuple[TextLine, ...] = (),
    like: LikeProducts | Sequence[LikeProducts] | None = None,
    things: Sequence[Region] = (),
    box: Box | None = None,
) -> BrandRecognition:
    """What is said of a photo with these words on it, and these like products."""
    each = iter([like] if isinstance(like, LikeProducts) else like or ())
    senses = BrandSenses(
        ENCODER,
        like_products=None if like is None else lambda _vector: next(each),
        things=lambda _image: things,
        read=(lambda _pixels: lines) if lines else None,
    )
    return recognize_brands(image, known, senses, threshold=0.5, box=box)


def test_nothing_seen_is_no_brand() -> None:
    """Without logos, words and products there is no answer, no confidence and no evidence."""
    found = recognized()
    assert found.answer is None
    assert (found.confidence, found.brands, found.alternatives, found.evidence) == (0, (), (), ())
    assert set(found.timings_ms) == {"regions", "encode", "search", "rank", "total"}


def test_a_logo_is_recognised_where_it_is() -> None:
    """The brand whose logo is there is the answer, its box on the logo."""
    found = recognized(with_logo((225, 25, 25), left=50), known_by_colour())
    assert found.answer == "Kavoa"
    (kavoa,) = found.brands
    assert kavoa.website == "https://kavoa.example"
    assert kavoa.box is not None
    assert kavoa.box.x1 > 0.5
    assert kavoa.box.y2 < 0.75
    assert found.evidence[0].kind == "logo"


def test_a_photo_without_a_logo_is_of_no_brand() -> None:
    """What the gallery's photos have beside their logos is no brand."""
    found = recognized(PHOTO, known_by_colour())
    assert found.answer is None
    assert found.confidence < 0.5


def test_several_brands_on_one_photo() -> None:
    """Each brand that is sure enough is told, with a box of its own; the rest are alternatives."""
    lines = (
        TextLine("KAVOA", 0.9, Box(0.1, 0.1, 0.3, 0.2)),
        TextLine("Bramlo", 0.8, Box(0.6, 0.1, 0.9, 0.2)),
    )
    found = recognized(lines=lines)
    assert [one.name for one in found.brands] == ["Kavoa", "Bramlo"]
    assert [one.box for one in found.brands] == [lines[0].box, lines[1].box]
    assert [one.answer for one in found.alternatives] == ["Bramlo"]


def test_unsure_brands_are_alternatives_only() -> None:
    """Below the threshold nothing is answered, and what was likeliest is still said."""
    found = recognized(lines=(TextLine("KAVOA", 0.3, Box(0.1, 0.1, 0.3, 0.2)),))
    assert found.answer is None
    assert not found.brands
    assert found.alternatives[0].answer == "Kavoa"
    assert found.confidence == pytest.approx(found.alternatives[0].confidence)


def test_like_products_speak_for_their_brand() -> None:
    """A photo of a product shows its brand, without a place; products of none speak for none."""
    like = LikeProducts({"kavoa": 0.8, "": 0.1}, {"kavoa": "Fjord mug", "": "Plain mug"})
    found = recognized(like=like)
    assert (found.answer, found.brands[0].box) == ("Kavoa", None)
    assert found.confidence == pytest.approx(0.76)
    assert [(one.kind, one.detail, one.answer) for one in found.evidence] == [
        ("products", "Fjord mug", "Kavoa"),
        ("products", "no brand: Plain mug", None),
    ]
    assert recognized(like=LikeProducts({"": 0.9}, {"": "Plain mug"})).answer is None


def test_evidence_adds_up() -> None:
    """Words and products that agree are surer than either alone."""
    line = TextLine("KAVOA", 0.6, Box(0.1, 0.1, 0.3, 0.2))
    like = LikeProducts({"kavoa": 0.5}, {"kavoa": "Fjord mug"})
    alone = [recognized(lines=(line,)).confidence, recognized(like=like).confidence]
    assert recognized(lines=(line,), like=like).confidence > max(alone)


def test_a_product_of_another_brand_speaks_against_a_logo() -> None:
    """A thing known to have no brand makes a logo on it less sure."""
    photo, known = with_logo((225, 25, 25)), known_by_colour()
    alone = recognized(photo, known).confidence
    like = LikeProducts({"": 0.9}, {"": "Plain mug"})
    assert recognized(photo, known, like=like).confidence < alone


def test_boxes_are_on_the_whole_photo() -> None:
    """Asked about a part, places are still told as fractions of the photo."""
    line = TextLine("KAVOA", 0.9, Box(0, 0, 0.5, 1))
    found = recognized(lines=(line,), box=Box(0.5, 0.5, 1, 1))
    assert found.brands[0].box == Box(0.5, 0.5, 0.75, 1)
    assert found.evidence[0].box == Box(0.5, 0.5, 0.75, 1)


def test_a_part_without_the_logo_shows_none() -> None:
    """What is outside the part that is meant does not count."""
    photo, known = with_logo((225, 25, 25)), known_by_colour()
    assert recognized(photo, known).answer == "Kavoa"
    assert recognized(photo, known, box=Box(0.5, 0.6, 1, 1)).answer is None


def test_probability_grows_with_the_score() -> None:
    """Scores become probabilities in order, never beyond 0 and 1."""
    found = [logo_probability(score) for score in (-50, 0, 0.3, 0.5, 0.8, 1, 50)]
    assert found == sorted(found)
    assert 0 <= found[0] < 0.05
    assert 0.95 < found[-1] <= 1


MUG, BOOK = Region(Box(0, 0, 0.5, 1), 0.9), Region(Box(0.6, 0, 1, 1), 0.8)


def test_things_beside_each_other_have_brands_of_their_own() -> None:
    """Like products are found of every thing; the answer is the brand of the main one."""
    likes = [LikeProducts({"kavoa": 0.7}), LikeProducts({"bramlo": 0.9})]
    found = recognized(like=likes, things=[MUG, BOOK])
    assert found.answer == "Kavoa"
    assert [one.name for one in found.brands] == ["Kavoa", "Bramlo"]
    assert {one.answer: one.box for one in found.evidence} == {"Kavoa": MUG.box, "Bramlo": BOOK.box}


@pytest.mark.parametrize("printed", [True, False])
def test_what_is_beside_a_thing_without_a_brand_lends_it_none(*, printed: bool) -> None:
    """Of a mug known to have no brand, a book's is no answer, though it is on the photo."""
    line = TextLine("BRAMLO", 0.9, Box(0.7, 0.4, 0.9, 0.5))
    plain, book = LikeProducts({"": 0.95}), LikeProducts({} if printed else {"bramlo": 0.9})
    lines = (line,) if printed else ()
    found = recognized(lines=lines, like=[plain, book], things=[MUG, BOOK])
    assert found.answer is None
    assert [one.name for one in found.brands] == ["Bramlo"]
    unknown = recognized(lines=lines, like=[LikeProducts(), book], things=[MUG, BOOK])
    assert unknown.answer == "Bramlo"


def test_a_name_on_the_main_subject_counts_whatever_it_looks_like() -> None:
    """What is printed on a thing says more than that it looks like one without a brand."""
    line = TextLine("BRAMLO", 0.9, Box(0.1, 0.4, 0.3, 0.5))
    found = recognized(lines=(line,), like=[LikeProducts({"": 0.95})], things=[MUG])
    assert found.answer == "Bramlo"
