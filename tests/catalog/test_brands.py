from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shopsight.catalog.brands import Brand, BrandExample, BrandStore, folded
from shopsight.catalog.database import Database
from shopsight.errors import BrandError, NotFoundError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BrandStore]:
    """A registry without brands."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield BrandStore(database)
    database.close()


def example(brand: str = "kavoa", picture: bytes = b"logo", **more: object) -> BrandExample:
    """An example of a logo."""
    return BrandExample(brand, "logo.png", picture, **more)  # type: ignore[arg-type]  # given by tests


@pytest.mark.parametrize(
    ("one", "other"),
    [("Coca-Cola", "COCA COLA"), ("Citroën", "citroen"), ("H&M", "h m"), ("L'Oréal", "L Oreal")],
)
def test_spellings_of_a_name_fold_alike(one: str, other: str) -> None:
    """Case, accents, spaces and punctuation tell no brands apart."""
    assert folded(one) == folded(other)


@given(st.text(min_size=1, max_size=30))
def test_folding_twice_changes_nothing(name: str) -> None:
    """A folded name is its own folding, and only white space folds to nothing."""
    assert folded(folded(name)) == folded(name)
    assert folded(name) or not name.strip()


def test_a_brand_is_known_by_all_its_names(store: BrandStore) -> None:
    """A brand is found by its name and its aliases, however they are written."""
    assert store.put(
        Brand(name=" Kavoa ", aliases=("Kavoa Home",), website="https://kavoa.example")
    )
    for name in ("Kavoa", "KAVOA", "kavoa-home"):
        assert store.one(name).name == "Kavoa"
    with pytest.raises(NotFoundError, match="'Bramlo'"):
        store.one("Bramlo")


def test_the_same_brand_again_is_merged(store: BrandStore) -> None:
    """A name that folds alike adds its aliases, and takes no website away."""
    store.put(Brand(name="Kavoa", aliases=("KV",), website="https://kavoa.example"))
    assert not store.put(Brand(name="KAVOA", aliases=("Kavoa Home",)))
    assert store.all() == [
        Brand(name="KAVOA", aliases=("KV", "Kavoa Home"), website="https://kavoa.example")
    ]


@pytest.mark.parametrize(
    "brand",
    [
        Brand(name="Bramlo", aliases=("kavoa",)),
        Brand(name="kavoa home"),
        Brand(name="Bramlo", aliases=("KAVOA-HOME",)),
    ],
)
def test_a_name_belongs_to_one_brand(store: BrandStore, brand: Brand) -> None:
    """A name or alias of another brand is refused, the other is named, and nothing is changed."""
    store.put(Brand(name="Kavoa", aliases=("Kavoa Home",)))
    for write in (store.put, store.replace):
        with pytest.raises(BrandError, match="'Kavoa'"):
            write(brand)
    assert [known.name for known in store.all()] == ["Kavoa"]


def test_replacing_takes_away(store: BrandStore) -> None:
    """What replaces a brand has its own aliases only; the examples stay."""
    store.put(Brand(name="Kavoa", aliases=("KV",), website="https://kavoa.example"))
    store.add_examples([example()])
    assert not store.replace(Brand(name="Kavoa", aliases=("Kavoa Home",)))
    assert store.one("kavoa") == Brand(name="Kavoa", aliases=("Kavoa Home",), examples=1)
    assert store.replace(Brand(name="Bramlo"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "Kavoa", "website": "javascript:alert(1)"},
        {"name": "Kavoa", "website": "kavoa.example"},
        {"name": "Kavoa", "aliases": ("x" * 201,)},
    ],
)
def test_nonsense_is_no_brand(wrong: dict[str, object]) -> None:
    """Names must have a length, and websites be addresses of the web."""
    with pytest.raises(ValidationError):
        Brand.model_validate(wrong)


def test_an_example_is_known_once(store: BrandStore) -> None:
    """The same picture is another example only with another box, and goes with its brand."""
    store.put(Brand(name="Kavoa"))
    boxed = example(box=(0.1, 0.1, 0.5, 0.5))
    assert store.add_examples([example(), example(), boxed]) == 2
    assert store.add_examples([example()]) == 0
    assert {one.box for one in store.examples("KAVOA")} == {None, (0.1, 0.1, 0.5, 0.5)}
    store.remove("kavoa")
    assert not store.all()
    assert not store.examples()


def test_vectors_are_kept_beside_the_picture(store: BrandStore) -> None:
    """Looks and what made them come back with the example."""
    store.put(Brand(name="Kavoa"))
    store.add_examples([example()])
    store.save_looks({example().id: b"vectors"}, "encoder")
    (kept,) = store.examples()
    assert (kept.looks, kept.fingerprint, kept.picture) == (b"vectors", "encoder", b"logo")


def test_every_change_changes_the_state(store: BrandStore) -> None:
    """Other processes see brands and examples that were added, changed and removed."""
    states = [store.state()]
    store.put(Brand(name="Kavoa"))
    states.append(store.state())
    for picture in (b"1", b"2", b"3"):
        store.add_examples([example(picture=picture)])
        states.append(store.state())
    store.put(Brand(name="Kavoa", website="https://kavoa.example"))
    states.append(store.state())
    assert store.remove_examples("Kavoa") == 3
    states.append(store.state())
    assert len(set(states)) == len(states)
