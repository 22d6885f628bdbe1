from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from shopsight.catalog.feeds import detect_format
from shopsight.catalog.product import Availability, Price
from shopsight.errors import FeedError
from shopsight.testing.feeds import read_all

FEEDS = Path(__file__).parent / "feeds"
OPEN = '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
CLOSE = "</channel></rss>"


def item(key: str, extra: str = "") -> str:
    """An item with the required fields."""
    return (
        f"<item><g:id>{key}</g:id><g:title>Mug {key}</g:title>"
        f"<g:image_link>{key}.jpg</g:image_link>{extra}</item>\n"
    )


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    """A feed file."""
    path = folder / "feed.xml"
    path.write_bytes(text.encode(encoding))
    return path


def test_rss_is_read_with_all_its_fields():
    """Every field of an RSS item arrives, Google's before RSS's own, HTML as text."""
    products, problems = read_all(FEEDS / "google_rss.xml")
    assert detect_format(FEEDS / "google_rss.xml") == "google"
    assert problems == []
    mug, lamp = products
    assert mug.model_dump(exclude_defaults=True) == {
        "id": "MUG001",
        "title": "Fjord mug, sage & cream",
        "description": "A two-tone mug.\n330 ml\ndishwasher-safe",
        "link": "https://shop.example/p/MUG001?a=1&b=2",
        "image_link": "https://img.example/MUG001.jpg",
        "additional_image_link": (
            "https://img.example/MUG001_2.jpg",
            "https://img.example/MUG001_3.jpg",
        ),
        "price": {"amount": Decimal("14.90"), "currency": "EUR"},
        "sale_price": {"amount": Decimal("12.90"), "currency": "EUR"},
        "availability": Availability.IN_STOCK,
        "brand": "Kavoa",
        "gtin": "4006381333931",
        "mpn": "FJ-1",
        "item_group_id": "G001",
        "google_product_category": "Home & Garden > Kitchen",
        "product_type": "Kitchen > Mugs",
        "attributes": {
            "color": "sage/cream",
            "product_highlight": ["Glazed by hand", "Two dips"],
            "season": "autumn",
            "volume_in_ml": "330",
        },
    }
    assert (lamp.title, lamp.availability) == ("Lamp", Availability.PREORDER)


def test_atom_is_read():
    """Atom's links, summaries and content are used where Google's elements are missing."""
    (mug, lamp), problems = read_all(FEEDS / "google_atom.xml")
    assert problems == []
    assert (mug.id, mug.link, mug.description) == (
        "MUG001",
        "https://shop.example/p/MUG001",
        "A two-tone mug.",
    )
    assert (lamp.id, lamp.description) == ("LAM025", "Bright lamp")


def test_tsv_is_read():
    """Tab-separated text with spaces in its titles, commas in links, and Google's decimal point."""
    (mug, lamp), problems = read_all(FEEDS / "google.tsv")
    assert problems == []
    assert mug.image_links == (
        "https://img.example/a,b.jpg",
        "https://img.example/2.jpg",
        "https://img.example/3.jpg",
    )
    assert mug.price == Price(amount=Decimal("1.299"), currency="EUR")
    assert mug.description == 'A "two-tone" mug'
    assert mug.attributes == {"color": "sage"}
    assert lamp.title == '24" lamp'


def test_a_sale_out_of_its_dates_is_dropped(tmp_path: Path):
    """The moment of reading decides whether the sale price counts."""
    dates = "<g:sale_price_effective_date>2026-01-01/2026-01-31</g:sale_price_effective_date>"
    sale = "<g:price>10 EUR</g:price><g:sale_price>5 EUR</g:sale_price>"
    path = write(tmp_path, OPEN + item("1", sale + dates) + item("2", sale) + CLOSE)
    (over, on), problems = read_all(path)
    assert over.sale_price is None
    assert on.sale_price == Price(amount=Decimal(5), currency="EUR")
    assert problems == []


def test_a_broken_item_harms_no_other(tmp_path: Path):
    """Wrong tags, lone ampersands and unknown entities are repaired or reported."""
    broken = (
        item("1")
        + "<item><g:id>2</g:id><g:title>A & B &nbsp;&eacute;\x0b</g:title><g:image_link>http://x.example/?a=1&b=2"
        "</g:image_link></item>\n"
        + "<item><g:id>3</g:id><g:title>Open<g:image_link>3.jpg</g:image_link></item>\n"
        + "<item><g:id>4</g:id><g:title>no end</g:title>\n"
        + item("5")
        + "<item><g:id>6</g:id><g:title><![CDATA[never closed</g:title></item>\n"
        + item("7", "<g:description><![CDATA[fine <item> here]]></g:description>")
        + "<item/>\n"
        + item("8", "<x:note>undeclared</x:note>")
    )
    products, problems = read_all(write(tmp_path, OPEN + broken + CLOSE))
    found = {product.id: product for product in products}
    assert list(found) == ["1", "2", "5", "7", "8"]
    assert found["7"].description == "fine here"
    assert found["2"].title == "A & B é"
    assert found["2"].image_link == "http://x.example/?a=1&b=2"
    assert found["8"].attributes == {"note": "undeclared"}
    assert {problem.line for problem in problems} == {5, 6, 8, 10}


def test_line_numbers_are_those_of_the_items(tmp_path: Path):
    """Also far into a file, with multi-line items and comments in between."""
    good = "".join(item(str(number)) for number in range(5000))
    comment = "<!--\n<item>\n-->\n"
    bad = "<item>\n<g:id>bad</g:id>\n</item>\n"
    _, problems = read_all(write(tmp_path, OPEN + comment + good + bad + CLOSE))
    assert {problem.line for problem in problems} == {3 + 3 + 5000}
    assert {problem.field for problem in problems} == {"title", "image_link"}


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-16", "utf-16"), ("latin-1", "iso-8859-1"), ("latin-1", "utf-8"), ("gb18030", "gb2312")],
)
def test_xml_in_other_encodings(tmp_path: Path, encoding, declared):
    """The declaration is followed, unless the bytes say otherwise."""
    title = "红色马克杯手工" if encoding == "gb18030" else "Süße Größe für Käse"
    text = OPEN.replace('"1.0"', f'"1.0" encoding="{declared}"') + item("1") + CLOSE
    products, _ = read_all(write(tmp_path, text.replace("Mug 1", title), encoding))
    assert products[0].title == title


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_cut_off_file_gives_what_it_has_and_then_an_error(tmp_path: Path, cut):
    """The error keeps a caller from taking the products behind the break for gone."""
    text = OPEN + "".join(item(str(number)) for number in range(10)) + CLOSE
    with pytest.raises(FeedError, match="ends early"):
        read_all(write(tmp_path, text[:-cut]))


def test_a_cut_off_gzip_file_is_an_error(tmp_path: Path):
    """A packed feed that broke off says that the archive is cut off."""
    path = tmp_path / "feed.xml.gz"
    text = OPEN + "".join(item(str(number)) for number in range(3000)) + CLOSE
    path.write_bytes(gzip.compress(text.encode())[:-1000])
    with pytest.raises(FeedError, match="the gzip archive is cut off"):
        read_all(path)
    path.write_bytes(gzip.compress(text.encode()))
    assert len(read_all(path)[0]) == 3000


def test_entity_bombs_are_refused(tmp_path: Path):
    """A DTD with entities is an error at once; nothing is expanded."""
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    text = OPEN.replace("<rss", bomb + "<rss") + item("1", "<g:color>&b;</g:color>") + CLOSE
    with pytest.raises(FeedError, match="DTD"):
        read_all(write(tmp_path, text))


def test_external_entities_are_never_read(tmp_path: Path):
    """A reference to a file of the machine brings nothing of it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    late = f'<!DOCTYPE rss [<!ENTITY s SYSTEM "{secret}">]>'
    text = OPEN + item("0") + late + item("1", "<g:color>&s;</g:color>") + CLOSE
    products, _ = read_all(write(tmp_path, text))
    assert "the secret" not in str(products)


def test_a_huge_description_is_cut_and_reported(tmp_path: Path):
    """Ten megabytes in one element cost a warning, not the product."""
    text = OPEN + item("1", f"<g:description>{'word ' * 2_000_000}</g:description>") + CLOSE
    products, problems = read_all(write(tmp_path, text))
    assert len(products[0].description) <= 20_000
    assert [(problem.field, problem.severity) for problem in problems] == [
        ("description", "warning")
    ]
    assert "10000000 characters" in problems[0].reason or "9999999" in problems[0].reason


def test_pictures_of_plain_rss_are_found(tmp_path: Path):
    """Enclosures and Media RSS serve where there is no image_link."""
    text = (
        '<rss xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        '<item><g:id>1</g:id><title>a</title><enclosure url="a.jpg" type="image/jpeg"/></item>'
        '<item><g:id>2</g:id><title>b</title><media:content url="b.jpg" medium="image"/></item>'
        "</channel></rss>"
    )
    products, _ = read_all(write(tmp_path, text))
    assert [product.image_link for product in products] == ["a.jpg", "b.jpg"]


def test_elements_can_be_mapped(tmp_path: Path):
    """A mapping names elements as it names columns."""
    path = write(tmp_path, OPEN + item("1", "<g:maker>Kavoa</g:maker>") + item("2") + CLOSE)
    products, problems = read_all(path, mapping={"brand": "maker"})
    assert [product.brand for product in products] == ["Kavoa", ""]
    assert problems == []
