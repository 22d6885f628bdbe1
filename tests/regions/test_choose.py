from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shopsight.images.boxes import WHOLE, Box, iou
from shopsight.regions.base import Region
from shopsight.regions.choose import (
    main_subject,
    objects,
    prominence,
    subject_share,
    suppressed,
)

MUG = Region(Box(0.1, 0.3, 0.4, 0.8), 0.9)
LAMP = Region(Box(0.5, 0.1, 0.9, 0.8), 0.8)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """A region somewhere on the picture, at times empty."""
    x1, x2 = sorted(draw(st.tuples(*[st.floats(0, 1, width=32)] * 2)))
    y1, y2 = sorted(draw(st.tuples(*[st.floats(0, 1, width=32)] * 2)))
    return Region(Box(x1, y1, x2, y2), draw(st.floats(0, 1, width=32)))


lists = st.lists(regions(), max_size=12)


class TestSuppressed:
    """Which regions stay."""

    def test_different_things_stay(self) -> None:
        """Boxes side by side are different things, and come most confident first."""
        assert suppressed([LAMP, MUG]) == (MUG, LAMP)

    def test_duplicates_go(self) -> None:
        """Of two boxes of one thing the more confident one stays."""
        shifted = Region(Box(0.12, 0.3, 0.42, 0.8), 0.5)
        assert suppressed([shifted, MUG]) == (MUG,)

    def test_limit_decides_what_is_a_duplicate(self) -> None:
        """Boxes that overlap by a half stay under a high limit and go under a low one."""
        beside = Region(Box(0.2, 0.3, 0.5, 0.8), 0.5)
        assert 0.4 < iou(beside.box, MUG.box) < 0.6
        assert suppressed([MUG, beside], iou_limit=0.7) == (MUG, beside)
        assert suppressed([MUG, beside], iou_limit=0.3) == (MUG,)

    def test_parts_of_a_thing_go(self) -> None:
        """The handle of a mug is no thing of its own."""
        handle = Region(Box(0.3, 0.4, 0.39, 0.6), 0.8)
        assert suppressed([MUG, handle]) == (MUG,)

    def test_thing_stays_beside_what_surrounds_it(self) -> None:
        """A less confident box around several things hides none of them."""
        both = Region(Box(0.1, 0.1, 0.9, 0.8), 0.4)
        assert suppressed([both, MUG, LAMP])[:2] == (MUG, LAMP)

    def test_whole_picture_goes(self) -> None:
        """A box of nearly the whole picture says nothing, however confident."""
        nearly = Region(Box(0.01, 0.01, 0.99, 1.0), 0.95)
        assert suppressed([Region(WHOLE, 1.0), nearly, MUG]) == (MUG,)

    def test_nothing_gives_nothing(self) -> None:
        """No regions are no error."""
        assert suppressed([]) == ()

    @given(lists)
    def test_what_stays_is_sound(self, given_regions: list[Region]) -> None:
        """Of any regions, those that stay are sorted, not empty, and no duplicates."""
        kept = suppressed(given_regions)
        assert set(kept) <= set(given_regions)
        assert [r.confidence for r in kept] == sorted((r.confidence for r in kept), reverse=True)
        assert all(r.box.area > 0 for r in kept)
        for one, other in itertools.combinations(kept, 2):
            assert iou(one.box, other.box) <= 0.55

    @given(lists)
    def test_order_does_not_matter(self, given_regions: list[Region]) -> None:
        """The same regions in another order give the same answer, and again when asked again."""
        kept = suppressed(given_regions)
        assert suppressed(reversed(given_regions)) == kept
        assert suppressed(kept) == kept


class TestMainSubject:
    """What the picture is of."""

    def test_large_middle_thing_is_meant(self) -> None:
        """Of equally confident things, the large one in the middle is the subject."""
        middle = Region(Box(0.25, 0.25, 0.75, 0.75), 0.8)
        corner = Region(Box(0.0, 0.0, 0.3, 0.3), 0.8)
        assert main_subject([corner, middle]) is middle

    def test_confidence_counts(self) -> None:
        """Of things alike in size and place, the surer one is the subject."""
        left, right = Box(0.1, 0.3, 0.4, 0.7), Box(0.6, 0.3, 0.9, 0.7)
        assert main_subject([Region(left, 0.4), Region(right, 0.9)]) == Region(right, 0.9)

    def test_nothing_has_no_subject(self) -> None:
        """Without regions there is no subject."""
        assert main_subject([]) is None

    @given(regions())
    def test_prominence_is_a_share(self, region: Region) -> None:
        """How much a region looks like the subject lies between 0 and its confidence."""
        assert 0 <= prominence(region) <= region.confidence + 1e-9


class TestSubjectShare:
    """How far the main subject is trusted."""

    @given(regions())
    def test_whole_picture_always_counts(self, region: Region) -> None:
        """The subject never counts alone, and one that is not sure at all does not count."""
        assert 0 <= subject_share(region) < 0.75
        assert subject_share(Region(region.box, 0.0)) == 0

    def test_surer_subjects_count_more(self) -> None:
        """The surer the subject, the less the rest of the picture counts."""
        assert subject_share(Region(MUG.box, 0.9)) > subject_share(Region(MUG.box, 0.4))


class TestObjects:
    """What is offered to select."""

    def test_all_confident_things_are_shown(self) -> None:
        """Things about as confident as the subject are offered, most confident first."""
        assert objects((MUG, LAMP)) == (MUG, LAMP)

    def test_doubtful_things_are_left_out(self) -> None:
        """What is far less sure than the subject is not offered."""
        smudge = Region(Box(0.0, 0.9, 0.1, 1.0), 0.2)
        assert objects((MUG, LAMP, smudge)) == (MUG, LAMP)

    def test_limit_keeps_the_subject(self) -> None:
        """With room for one, the subject is shown, even if a small thing at the edge is surer."""
        edge = Region(Box(0.0, 0.0, 0.1, 0.1), 0.95)
        assert objects((edge, MUG), limit=1) == (MUG,)

    def test_nothing_gives_nothing(self) -> None:
        """No regions are no objects."""
        assert objects(()) == ()

    @given(lists, st.integers(1, 8))
    def test_shows_some_of_what_there_is(self, given_regions: list[Region], limit: int) -> None:
        """Never more than asked for, always the subject, and only what was given."""
        shown = objects(given_regions, limit)
        assert len(shown) <= limit
        assert set(shown) <= set(given_regions)
        subject = main_subject(given_regions)
        assert subject is None or subject in shown
