from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsight.recognize.verification import Verification
from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop
from shopsight.wiring.kept import from_file


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Twenty products with a picture each."""
    return SmallShop(tmp_path_factory.mktemp("feed"), 20)


@pytest.fixture(scope="module")
def reopen(
    feed: SmallShop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Shop]]:
    """Opens the shop of that feed, which is indexed and calibrated."""
    settings = Settings.model_validate(
        {
            "data": tmp_path_factory.mktemp("data"),
            "encoder": "thumbnail",
            "detector": "none",
            "store": "exact",
            "threads": 1,
            "ocr": "off",
        }
    )
    opened = [Shop.open(settings=settings)]
    opened[0].index(feed.feed)

    def one() -> Shop:
        opened.append(Shop.open(settings=settings))
        return opened[-1]

    yield one
    for shop in opened:
        shop.close()


def test_indexing_fits_the_second_look(reopen: Callable[[], Shop], feed: SmallShop) -> None:
    """Places of all pictures are kept, what counts is fitted, and recognising uses both."""
    shop = reopen()
    manifest = shop.index_info().manifest
    records = [shop.image(f"p{number}", 0).record_id for number in range(20)]
    assert len(shop.catalog.places.of_records(records, manifest.fingerprint)) == 20
    found = shop.recognize(feed.folder / "p3.png")
    assert found.answer == "p3"
    assert "verify" in found.timings_ms
    assert found.confidence + sum(one.confidence for one in found.alternatives) <= 1.001


def test_what_was_fitted_is_kept(reopen: Callable[[], Shop], feed: SmallShop) -> None:
    """A shop that is opened anew answers as before; a damaged file leaves the scores to decide."""
    path = reopen().settings.data / "verification.json"
    whole = path.read_bytes()
    head = whole.partition(b"\n")[0].decode()
    kept = from_file(path, head)
    assert kept is not None
    Verification.from_json(kept)
    verified = reopen().recognize(feed.folder / "p5.png")
    path.write_bytes(head.encode() + b"\n{")
    plain = reopen().recognize(feed.folder / "p5.png")
    path.write_bytes(whole)
    again = reopen().recognize(feed.folder / "p5.png")
    assert again.confidence == pytest.approx(verified.confidence, rel=1e-12)
    assert plain.confidence != verified.confidence
    assert plain.answer == "p5"


def test_pictures_without_places(reopen: Callable[[], Shop], feed: SmallShop) -> None:
    """Where a picture was indexed without its places, the scores decide as if none had any."""
    shop = reopen()
    verified = shop.recognize(feed.folder / "p7.png")
    manifest = shop.index_info().manifest
    state = shop.image("p7", 0)
    assert state.content_hash is not None
    whole = shop.catalog.places.of_records([state.record_id], manifest.fingerprint)
    shop.catalog.places.put({state.content_hash: b"damaged"}, manifest.fingerprint)
    plain = shop.recognize(feed.folder / "p7.png")
    assert plain.answer == "p7"
    assert plain.confidence != verified.confidence
    shop.catalog.places.put({state.content_hash: whole[state.record_id]}, manifest.fingerprint)
    assert shop.recognize(feed.folder / "p7.png").confidence == pytest.approx(
        verified.confidence, rel=1e-12
    )


def test_too_few_things_fit_nothing(tmp_path: Path) -> None:
    """A shop of a few products answers without a second look."""
    few = SmallShop(tmp_path / "feed", 3)
    settings = {"data": tmp_path / "data", "encoder": "thumbnail", "detector": "none"}
    with Shop.open(settings=Settings.model_validate(settings | {"store": "exact"})) as shop:
        shop.index(few.feed)
        assert not (shop.settings.data / "verification.json").exists()
        assert shop.recognize(few.folder / "p1.png").alternatives is not None
