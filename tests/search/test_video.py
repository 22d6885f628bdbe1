from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from shopsight.encoders import load_encoder
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.video import Frame, read_frames
from shopsight.search.video import (
    FrameHit,
    FrameHits,
    chosen_frames,
    find_products,
    merged,
    sharpness,
)

LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)


def scene(seed: int) -> Image.Image:
    """A picture of coarse coloured squares that no other seed gives."""
    squares = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(squares).resize((96, 96), Image.Resampling.NEAREST)


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """A picture out of focus."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def clip(*shots: tuple[int, float], rate: float = 6) -> list[Frame]:
    """Shots of scenes by seed, each so many seconds long."""
    frames: list[Frame] = []
    for seed, seconds in shots:
        picture = scene(seed)
        frames += [
            Frame((len(frames) + number) / rate, picture) for number in range(round(seconds * rate))
        ]
    return frames


def ids(frames: Sequence[FrameHits]) -> list[str]:
    """Products of a video, best first."""
    return [product.product_id for product in merged(frames)]


def hit(product: str, score: float, box: Box = WHOLE) -> FrameHit:
    """A hit whose confidence is its score."""
    return FrameHit(product, score, score, f"{product}#0", box)


def test_sharpness_falls_with_blur() -> None:
    """The more a picture is blurred, the less sharp it is; a plain one is not sharp at all."""
    values = [sharpness(blurred(scene(1), radius)) for radius in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert sharpness(Image.new("RGB", (40, 40), "white")) == 0
    assert sharpness(Image.new("RGB", (2, 2), "white")) == 0


def test_the_sharpest_of_each_second_is_chosen() -> None:
    """Of every second of a shot one frame is taken, the only one that is not blurred."""
    picture = scene(1)
    frames = [
        Frame(number / 6, picture if number in {4, 7, 17} else blurred(picture, 3))
        for number in range(18)
    ]
    assert [round(frame.time_s * 6) for frame in chosen_frames(frames)] == [4, 7, 17]


def test_every_shot_is_chosen() -> None:
    """A shot that lasts a sixth of a second only is searched too."""
    frames = clip((1, 1.5), (2, 1 / 6), (3, 0.5))
    chosen = chosen_frames(frames)
    shown = {id(frame.image) for frame in chosen}
    assert shown == {id(frame.image) for frame in frames}
    assert len(chosen) == 4


def test_the_budget_is_kept_and_spent_on_what_differs() -> None:
    """Too many frames are thinned: those that repeat each other go, the odd shot stays."""
    frames = clip((1, 30), (2, 1 / 6), (1, 30))
    chosen = chosen_frames(frames, budget=6)
    assert len(chosen) == 6
    odd = next(frame for frame in frames if 29.9 < frame.time_s < 30.1)
    assert odd.image in [frame.image for frame in chosen]
    gaps = [after.time_s - before.time_s for before, after in pairwise(chosen)]
    assert max(gaps) < 40


def test_six_seconds_fit_thirty_passes() -> None:
    """Of six seconds that never cut six frames are taken: five passes remain for each."""
    assert len(chosen_frames(clip((1, 6)))) == 6
    assert len(chosen_frames(clip(*((seed, 0.5) for seed in range(12))))) == 6


@given(
    shots=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from((0.2, 0.5, 1.0, 3.0))), min_size=1, max_size=6
    ),
    budget=st.integers(1, 8),
)
def test_choices_are_frames_in_order(shots: list[tuple[int, float]], budget: int) -> None:
    """Whatever the video, at least one of its frames is chosen, at most the budget, in order."""
    frames = clip(*shots)
    chosen = chosen_frames(iter(frames), budget=budget)
    times = [frame.time_s for frame in chosen]
    assert 1 <= len(chosen) <= budget
    assert times == sorted(set(times))
    assert set(times) <= {frame.time_s for frame in frames}


def test_nothing_to_choose_from() -> None:
    """No frames give no choice, and a budget of none is a mistake."""
    assert chosen_frames([]) == []
    with pytest.raises(ValueError, match="at least 1"):
        chosen_frames([], budget=0)


def test_a_doubtless_product_and_a_lasting_one_come_before_noise() -> None:
    """Once without a doubt, or several times in a row, counts more than weakly here and there."""
    frames = [
        FrameHits(
            float(second),
            [
                hit("noise", 0.3, LEFT),
                *([hit("sure", 0.95, RIGHT)] if second == 2 else []),
                *([hit("lasting", 0.6, Box(0, 0, 1, 0.5))] if second in {4, 5, 6} else []),
                *([hit("flicker", 0.6, Box(0, 0.5, 1, 1))] if second == 8 else []),
            ],
        )
        for second in range(10)
    ]
    assert ids(frames) == ["lasting", "sure", "flicker", "noise"]


def test_a_run_of_neighbours_counts_more_than_the_same_scattered() -> None:
    """The same hits say more side by side than far apart, as noise is."""
    frames = [
        FrameHits(
            float(second),
            [
                *([hit("scattered", 0.51, LEFT)] if second in {0, 3, 6} else []),
                *([hit("together", 0.5, RIGHT)] if second in {4, 5, 6} else []),
            ],
        )
        for second in range(8)
    ]
    assert ids(frames) == ["together", "scattered"]


def test_all_things_shown_come_before_variants() -> None:
    """A variant that is second for the clearest thing does not displace a thing less clear."""
    frames = [
        FrameHits(
            float(second),
            [
                hit("lamp", 0.9, LEFT),
                hit("lamp in red", 0.88, LEFT),
                hit("book", 0.4, RIGHT),
                hit("box", 0.2, RIGHT),
            ],
        )
        for second in range(3)
    ]
    assert ids(frames)[:2] == ["lamp", "book"]
    assert set(ids(frames)) == {"lamp", "lamp in red", "book", "box"}


def test_two_variants_that_are_both_shown_both_count() -> None:
    """Where another object shows the variant itself, it is as good as any other product."""
    frames = [
        FrameHits(
            0.0,
            [
                hit("blue", 0.9, LEFT),
                hit("red", 0.85, LEFT),
                hit("red", 0.8, RIGHT),
                hit("blue", 0.7, RIGHT),
                hit("book", 0.3, Box(0, 0, 1, 0.1)),
            ],
        )
    ]
    assert ids(frames)[:2] == ["blue", "red"]


def test_times() -> None:
    """A product is best seen where it is clearest, and seen where it is at least half as clear."""
    strengths = {0: 0.1, 1: 0.5, 2: 0.8, 3: 0.6, 7: 0.7}
    frames = [
        FrameHits(
            second / 2,
            [hit("mug", strengths[second], RIGHT)] if second in strengths else [],
        )
        for second in range(9)
    ]
    (mug,) = merged(frames)
    assert mug.best_s == 1.0
    assert mug.seen_s == (0.5, 1.0, 1.5, 3.5)
    assert mug.hit == hit("mug", 0.8, RIGHT)


def test_scores_stand_in_for_confidence() -> None:
    """Without calibration products are ranked by their scores; negative ones say nothing."""
    frames = [FrameHits(0.0, [FrameHit("mug", 0.8), FrameHit("bowl", 0.6), FrameHit("book", -0.2)])]
    assert ids(frames) == ["mug", "bowl", "book"]
    assert merged(frames)[2].evidence == 0


def test_no_hits() -> None:
    """A video on which nothing is found has no products."""
    assert merged([]) == []
    assert merged([FrameHits(0.0, []), FrameHits(1.0, [])]) == []


hits = st.lists(
    st.builds(
        FrameHit,
        st.sampled_from("abcdef"),
        st.floats(-1, 1),
        st.none() | st.floats(0, 1),
        st.just(""),
        st.sampled_from((WHOLE, LEFT, RIGHT)),
    ),
    max_size=12,
)


@given(st.lists(hits, max_size=6), st.integers(1, 8))
def test_merging_keeps_every_product_once(found: list[list[FrameHit]], limit: int) -> None:
    """Each product that any frame has is named once, with a time at which a frame has it."""
    frames = [FrameHits(float(number), each) for number, each in enumerate(found)]
    products = merged(frames, limit=limit)
    there = {one.product_id for each in found for one in each}
    assert len(products) == min(limit, len(there))
    assert len({product.product_id for product in products}) == len(products)
    for product in products:
        times = {
            frame.time_s
            for frame in frames
            if product.product_id in {one.product_id for one in frame.hits}
        }
        assert product.best_s in product.seen_s
        assert set(product.seen_s) <= times
        assert 0 <= product.evidence < 2
        assert product.hit.product_id == product.product_id


def test_sample_clips_show_their_products(sample_shop: Path) -> None:
    """Every product of the sample clips is found, before any other, with the default encoder."""
    encoder = load_encoder("lite", threads=1)
    pictures = sorted((sample_shop / "images").glob("???[0-9][0-9][0-9].jpg"))
    catalogue = encoder.encode_files(pictures)
    side = encoder.spec.preprocessing.size
    # Squares side by side stand in for the objects that the engine finds.
    places = [(left, 0.15, 0.7) for left in (0.0, 1 / 3, 2 / 3, 1.0)]

    def search_frame(image: Image.Image) -> list[FrameHit]:
        boxes = []
        for left, top, size in places:
            wide = size * image.height / image.width
            boxes.append(Box(left * (1 - wide), top, left * (1 - wide) + wide, top + size))
        crops = [
            image.crop(
                (
                    round(box.x1 * image.width),
                    round(box.y1 * image.height),
                    round(box.x2 * image.width),
                    round(box.y2 * image.height),
                )
            ).resize((side, side))
            for box in boxes
        ]
        vectors = encoder.encode_images(np.stack([np.asarray(crop) for crop in crops]))
        return [
            FrameHit(pictures[row].stem, float(scores[row]), None, "", box)
            for box, scores in zip(boxes, vectors @ catalogue.T, strict=True)
            for row in np.argsort(-scores)[:5]
        ]

    with (sample_shop / "video" / "videos.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["video"]: row["ids"].split() for row in csv.DictReader(file)}
    assert len(expected) == 2
    for name, products in expected.items():
        finds = find_products(read_frames((sample_shop / name).read_bytes()), search_frame)
        assert len(finds.searched_s) == 3
        found = [product.product_id for product in finds.products]
        assert set(products) <= set(found[:5])
    encoder.close()
