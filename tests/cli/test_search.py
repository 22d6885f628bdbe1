from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from shopsight.testing.shops import COLORS, SHAPES, ShapesShop

CIRCLES = {f"{color}-circle" for color in COLORS}


@pytest.fixture
def shapes(shopsight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShapesShop:
    """An indexed shop with every shape in every colour, searched without a detector."""
    monkeypatch.setenv("SHOPSIGHT_ENCODER", "two-part")
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    monkeypatch.setenv("SHOPSIGHT_STORE", "exact")
    shop = ShapesShop(tmp_path / "feed")
    assert shopsight("index", shop.feed).code == 0
    return shop


@pytest.fixture
def red_circle(tmp_path: Path) -> Path:
    """A photo of a red circle."""
    return ShapesShop(tmp_path / "photos").draw("circle", "red", side=48)


def ids(found: dict) -> list[str]:
    """Ids of the products in an answer."""
    return [hit["product"]["id"] for hit in found["hits"]]


@pytest.mark.usefixtures("shapes")
def test_words_alone(shopsight) -> None:
    """Words find what has them; what was understood of them is printed above the table."""
    found = shopsight("search", "--text", "red circle", "--json").json
    assert ids(found)[0] == "red-circle"
    assert {hit["product"]["attributes"]["color"] for hit in found["hits"]} == {"red"}
    assert all(hit["confidence"] is None for hit in found["hits"])
    table = shopsight("search", "-t", "red circle")
    assert table.code == 0
    assert table.out.startswith("Understood: red")
    assert "A red circle" in table.out


@pytest.mark.usefixtures("shapes")
def test_photo_and_words(shopsight, red_circle: Path) -> None:
    """A photo with words finds the same thing in the other colour, and not what is unwanted."""
    found = shopsight("search", red_circle, "--text", "this but in blue", "--json").json
    assert ids(found)[0] == "blue-circle"
    without = shopsight("search", red_circle, "--not", "red", "--limit", 9, "--json").json
    assert without["hits"]
    assert not any(name.startswith("red") for name in ids(without))
    assert without["chips"][0]["kind"] == "exclude"


@pytest.mark.usefixtures("shapes")
def test_several_photos(shopsight, red_circle: Path, tmp_path: Path) -> None:
    """Several photos are photos of one thing: what they have in common is found."""
    blue = ShapesShop(tmp_path / "more").draw("circle", "blue", side=52)
    found = shopsight("search", red_circle, blue, "--focus", "shape", "--limit", 3, "--json").json
    assert set(ids(found)) == CIRCLES
    assert blue.name in shopsight("search", red_circle, blue).out


def test_a_box_is_a_part_of_the_photo(shopsight, shapes: ShapesShop, tmp_path: Path) -> None:
    """With a box only that part of the photo is searched for."""
    photo = Image.new("RGB", (192, 96), "white")
    for number, name in enumerate(["red-circle-56.png", "blue-pole-56.png"]):
        with Image.open(shapes.folder / name) as image:
            photo.paste(image, (96 * number, 0))
    photo.save(tmp_path / "both.png")
    for box, expected in [("0,0,0.5,1", "red-circle"), ("0.5, 0, 1, 1", "blue-pole")]:
        found = shopsight("search", tmp_path / "both.png", "--box", box, "--json").json
        assert ids(found)[0] == expected


@pytest.mark.usefixtures("shapes")
def test_like_a_product(shopsight) -> None:
    """Products similar to one are found, without itself; an unknown one ends with a message."""
    found = shopsight("search", "--like", "red-circle", "--limit", 20, "--json").json
    assert len(ids(found)) == len(SHAPES) * len(COLORS) - 1
    assert "red-circle" not in ids(found)
    outcome = shopsight("search", "--like", "nobody")
    assert (outcome.code, "nobody" in outcome.err) == (1, True)


@pytest.mark.usefixtures("shapes")
def test_facets_are_printed(shopsight, red_circle: Path) -> None:
    """Counted fields stand below the table, and in JSON by their names."""
    outcome = shopsight("search", "--text", "circle", "--facet", "color", "--facet", "title")
    lines = outcome.out.splitlines()
    assert "color: blue (1), green (1), red (1)" in lines
    assert any(line.startswith("title: A blue circle (1), ") for line in lines)
    found = shopsight("search", red_circle, "--facet", "color", "--json").json
    assert found["facets"] == {
        "color": [{"value": color, "count": 3} for color in ("blue", "green", "red")]
    }
    assert shopsight("search", red_circle, "--facet", "colour").code == 1


def test_numbers_are_counted_in_ranges(shopsight, small_shop, monkeypatch) -> None:
    """A field of numbers is counted in ranges with both their ends."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    shopsight("index", small_shop.feed)
    arguments = ["search", small_shop.folder / "p1.png", "--facet", "price"]
    ranges = shopsight(*arguments, "--json").json["facets"]["price"]
    assert sum(one["count"] for one in ranges) == 8
    assert (ranges[0]["low"], ranges[-1]["high"]) == (1, 8)
    assert f"price: 1-{ranges[0]['high']:g} ({ranges[0]['count']})" in shopsight(*arguments).out


def test_pages_sorts_and_groups(shopsight, small_shop, monkeypatch) -> None:
    """Hits can be sorted, and taken page by page."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    shopsight("index", small_shop.feed)
    arguments = ["search", small_shop.folder / "p3.png", "--sort", "-price", "--json"]
    assert ids(shopsight(*arguments).json) == [f"p{number}" for number in range(7, -1, -1)]
    page = shopsight(*arguments, "--limit", 3, "--offset", 2).json
    assert (ids(page), page["total"]) == (["p5", "p4", "p3"], 8)
    assert shopsight(*arguments[:2], "--sort", "cheapest").code == 2
    assert shopsight(*arguments[:2], "--group-by", "shop").code == 2


def test_boosts(shopsight, small_shop, monkeypatch) -> None:
    """A boost moves products, and is a term of the score."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    shopsight("index", small_shop.feed)
    found = shopsight("search", small_shop.folder / "p0.png", "--boost", "price=1", "--json").json
    terms = {hit["product"]["id"]: hit["terms"] for hit in found["hits"]}
    assert terms["p7"]["boost.price"] == 1
    assert terms["p0"]["boost.price"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--box", "0,0,1"], 1, "four numbers"),
        (["--box", "a,b,c,d"], 2, "x1,y1,x2,y2"),
        (["--box", "0.5,0,0.1,1"], 1, "reversed"),
        (["--boost", "availability"], 2, "NAME=VALUE"),
        (["--boost", "availability=much"], 2, "no number"),
        (["--boost", "availability=nan"], 1, "availability"),
        (["--boost", "luck=0.1"], 1, "luck"),
        (["--limit", "0"], 2, "--limit"),
        (["--limit", "1000", "--offset", "1"], 1, "out of range"),
        (["--like", "red-bar"], 1, "not with both"),
        (["--filter", "colour = 1"], 1, "colour"),
    ],
)
@pytest.mark.usefixtures("shapes")
def test_mistakes_are_explained(
    shopsight, red_circle: Path, arguments: list[str], code: int, message: str
) -> None:
    """What cannot be read is a mistake of use, what makes no sense an error; both say what."""
    outcome = shopsight("search", red_circle, *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("arguments", [[], ["--text", "  "], ["--filter", "price < 5"]])
def test_something_must_be_asked(shopsight, arguments: list[str]) -> None:
    """Without photo, words or product there is no search, whatever else is given."""
    outcome = shopsight("search", *arguments)
    assert (outcome.code, "--text" in outcome.err) == (2, True)


@pytest.mark.usefixtures("shapes")
def test_explanations_are_pictures(shopsight, red_circle: Path, tmp_path: Path) -> None:
    """For each hit two pictures are written in the order of the hits, and the answer is printed."""
    folder = tmp_path / "why" / "so"
    outcome = shopsight(
        "search", red_circle, "--limit", 2, "--focus", "shape", "--explain", folder, "--json"
    )
    assert outcome.code == 0
    assert f"4 pictures written to {folder}" in outcome.err
    names = [f"{rank:02}-{key}" for rank, key in enumerate(ids(outcome.json), 1)]
    files = sorted(file.name for file in folder.iterdir())
    assert files == [f"{name}-{kind}.png" for name in names for kind in ("photo", "product")]
    for file in folder.iterdir():
        with Image.open(file) as image:
            assert image.format == "PNG"
            assert min(image.size) > 16


@pytest.mark.usefixtures("shapes")
def test_only_photos_are_explained(shopsight, tmp_path: Path) -> None:
    """Words alone, or a product, cannot be explained by pictures."""
    folder = tmp_path / "why"
    for asked in (["--text", "circle"], ["--like", "red-bar"]):
        outcome = shopsight("search", *asked, "--explain", folder)
        assert (outcome.code, "needs photos" in outcome.err) == (2, True)
    assert not folder.exists()


def test_a_video_has_times(shopsight, shapes: ShapesShop, tmp_path: Path) -> None:
    """A video finds what it shows, with the seconds; words narrow it, and fields are counted."""
    frames = [Image.open(shapes.folder / f"{name}-56.png") for name in ("red-circle", "blue-bar")]
    shown = [frame.resize((128, 128)) for frame in frames for _ in range(4)]
    for frame in frames:
        frame.close()
    video = tmp_path / "Clip.GIF"
    shown[0].save(video, "GIF", save_all=True, append_images=shown[1:], duration=250, loop=0)
    found = shopsight("search", video, "--json").json
    assert set(ids(found)[:2]) == {"red-circle", "blue-bar"}
    seen = {hit["product"]["id"]: hit["seen_at_s"] for hit in found["hits"]}
    assert seen["red-circle"] < 1 < seen["blue-bar"] + 0.5
    assert "seen at" in shopsight("search", video).out
    asked = ["--text", "in red", "--facet", "color", "--json"]
    narrowed = shopsight("search", video, *asked).json
    assert ids(narrowed)[0] == "red-circle"
    assert all(hit["product"]["id"].startswith("red-") for hit in narrowed["hits"])
    assert {one["value"] for one in narrowed["facets"]["color"]} > {"red", "blue"}
    assert shopsight("search", video, "--explain", tmp_path / "why").code == 2


@pytest.mark.usefixtures("calibrating", "shapes")
def test_json_is_complete(shopsight, red_circle: Path) -> None:
    """JSON has all of an answer under fixed names, empty parts included."""
    found = shopsight("search", red_circle, "--text", "circle", "--json").json
    assert found.keys() == {
        *("query_id", "total", "no_match", "timings_ms"),
        *("objects", "chips", "facets", "hits"),
    }
    assert (found["total"], found["no_match"], found["objects"], found["facets"]) == (
        9,
        False,
        [],
        {},
    )
    assert found["timings_ms"]["total"] > 0
    hit = found["hits"][0]
    assert hit.keys() == {"score", "confidence", "match", "terms", "image_link", "product"}
    assert hit["score"] == pytest.approx(sum(hit["terms"].values()), abs=1e-4)
    assert hit["terms"].keys() == {"image", "text"}
    assert 0 <= hit["confidence"] <= 1
    assert hit["product"]["title"] == "A red circle"
    assert found["query_id"] != shopsight("search", red_circle, "--json").json["query_id"]
