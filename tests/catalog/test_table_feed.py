from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopsight.catalog.columns import plan_columns
from shopsight.catalog.feeds import detect_format
from shopsight.catalog.product import Availability, Price
from shopsight.errors import FeedError
from shopsight.testing.feeds import read_all

FEEDS = Path(__file__).parent / "feeds"


def write(folder: Path, text: str, name: str = "feed.csv") -> Path:
    """A file with that text."""
    path = folder / name
    path.write_text(text, newline="")
    return path


def test_the_sample_shop_comes_through_whole(sample_shop: Path):
    """All 149 products, with further columns as text attributes in any script."""
    products, problems = read_all(sample_shop / "catalog.csv")
    assert (len(products), problems) == (149, [])
    mug = products[0]
    assert mug.id == "MUG001"
    assert mug.price == Price(amount=Decimal("14.90"), currency="EUR")
    assert mug.image_links == ("images/MUG001.jpg", "images/MUG001_2.jpg")
    assert (mug.stock, mug.rating, mug.review_count) == (218, 5.0, 68)
    assert mug.attributes["title_zh"] == "Kavoa 峡湾撞色马克杯\uff08鼠尾草绿\uff09"
    assert set(mug.attributes) == {"title_zh", "description_zh", "color", "material", "pattern"}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("sku,name,picture,cost,category,url", "1,Mug,1.jpg,5 EUR,Mugs,https://s.example/1"),
        ("Product ID;Title;Image URL;Price;Product Type;Link", "1;Mug;1.jpg;5 EUR;Mugs;https://s.example/1"),
        ("productId\tproductName\timg_url\tprice\tcategory\tproduct_url", "1\tMug\t1.jpg\t5 EUR\tMugs\thttps://s.example/1"),
        ("Artikelnummer;Bezeichnung;Bild;Preis;Kategorie;Produktlink", "1;Mug;1.jpg;5 EUR;Mugs;https://s.example/1"),
        ("商品编号,商品名称,图片,价格,类目,商品链接", "1,Mug,1.jpg,5 EUR,Mugs,https://s.example/1"),
        ("g:id,g:title,g:image_link,g:price,g:product_type,g:link", "1,Mug,1.jpg,5 EUR,Mugs,https://s.example/1"),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_names(tmp_path: Path, header, row):
    """The usual words for each field, in several languages and spellings, are known."""
    path = write(tmp_path, f"{header}\n{row}\n")
    assert detect_format(path) == "table"
    (mug,), problems = read_all(path)
    assert (mug.id, mug.title, mug.image_link, mug.product_type) == ("1", "Mug", "1.jpg", "Mugs")
    assert mug.price == Price(amount=Decimal(5), currency="EUR")
    assert mug.link == "https://s.example/1"
    assert (mug.attributes, problems) == ({}, [])


def test_columns_are_mapped_as_told(tmp_path: Path):
    """A mapping wins over guesses, names attributes too, and makes unusual columns known."""
    path = write(tmp_path, "A,B,C,Farbe,title\n1,Mug,1.jpg,rot,not this\n")
    with pytest.raises(FeedError, match="--map id=COLUMN"):
        detect_format(path)
    mapping = {"id": "A", "title": "B", "image_link": "C", "color": "farbe"}
    (mug,), problems = read_all(path, mapping=mapping)
    assert (mug.id, mug.title, mug.image_link) == ("1", "Mug", "1.jpg")
    assert mug.attributes == {"color": "rot", "feed_title": "not this"}
    assert problems == []


def test_a_wrong_mapping_lists_the_columns(tmp_path: Path):
    """A column that is not there, and a field that cannot be, are errors that say what there is."""
    path = write(tmp_path, "id,title,image\n1,Mug,1.jpg\n")
    with pytest.raises(FeedError, match=r"no column 'Foto'; it has: id, title, image"):
        read_all(path, format="table", mapping={"image_link": "Foto"})
    with pytest.raises(FeedError, match="is no field"):
        read_all(path, format="table", mapping={"Bad Name": "image"})


def test_a_missing_column_is_told_before_anything_is_read(tmp_path: Path):
    """Without a picture column the feed cannot be read; the message shows how to name it."""
    path = write(tmp_path, "id,title,colour\n1,Mug,red\n")
    with pytest.raises(
        FeedError, match=r"--map image_link=COLUMN\. Its columns: id, title, colour"
    ):
        read_all(path)


def test_further_pictures_are_collected(tmp_path: Path):
    """Numbered columns and lists in one cell are pictures, the main one first, each once."""
    path = write(
        tmp_path,
        'id,title,image_2,image,image_10,more_images\n1,Mug,b.jpg,a.jpg,d.jpg,"c,1.jpg,a.jpg"\n',
    )
    (mug,), _ = read_all(path)
    assert mug.image_links == ("a.jpg", "c,1.jpg", "b.jpg", "d.jpg")


def test_what_the_shop_pays_stays_secret(tmp_path: Path):
    """Purchase costs beside a price are no attributes that shoppers could see."""
    path = write(
        tmp_path, "id,title,image,price,cost,purchase_price,margin\n1,a,1.jpg,5 EUR,3,3,2\n"
    )
    assert read_all(path)[0][0].attributes == {}


def test_a_currency_column_is_used(tmp_path: Path):
    """Prices without a currency take that of their row, then the default."""
    path = write(tmp_path, "id,title,image,price,currency\n1,a,1.jpg,5.00,usd\n2,b,2.jpg,5.00,\n")
    products, _ = read_all(path, default_currency="eur")
    assert [product.price and product.price.currency for product in products] == ["USD", "EUR"]


def test_json_lines_keep_types():
    """Numbers, truth values and lists stay what they are; nested names are joined."""
    assert detect_format(FEEDS / "products.jsonl") == "table"
    products, problems = read_all(FEEDS / "products.jsonl")
    mug, lamp = products
    assert mug.attributes == {
        "vegan": True,
        "weight": 0.35,
        "sizes": ["S", "M"],
        "dimensions_height": 9,
    }
    assert mug.image_links == ("images/1.jpg", "images/1b.jpg")
    assert mug.price == Price(amount=Decimal("14.90"), currency="EUR")
    assert (mug.availability, mug.review_count) == (Availability.IN_STOCK, 1)
    assert (lamp.price, lamp.rating) == (Price(amount=Decimal(59), currency="USD"), 4.5)
    assert lamp.attributes == {}
    assert [(problem.line, problem.field) for problem in problems] == [
        (3, ""),
        (5, "image_link"),
        (6, ""),
    ]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"products": rows, "total": 2}])
def test_json_documents_are_read(tmp_path: Path, wrap):
    """An array, or an object around it, is as good as lines."""
    rows = [{"id": key, "title": "a", "thumbnail": f"{key}.jpg"} for key in (1, 2)]
    path = write(tmp_path, json.dumps(wrap(rows), indent=1), "feed.json")
    products, problems = read_all(path)
    assert [product.image_link for product in products] == ["1.jpg", "2.jpg"]
    assert problems == []


def test_parquet_is_read_typed(tmp_path: Path):
    """Types survive, nulls are nothing, pictures inside are ignored; rows are numbered from 1."""
    path = tmp_path / "feed.parquet"
    table = {
        "id": [1, 2, 3],
        "title": ["a", "b", None],
        "image": ["1.jpg", "2.jpg", "3.jpg"],
        "price": [Decimal("5.50"), None, None],
        "currency": ["EUR", None, None],
        "weight": [0.5, float("nan"), None],
        "sizes": [["S"], [], None],
        "made": [datetime(2026, 1, 1, tzinfo=UTC), None, None],
        "bytes": [b"\xff", None, None],
    }
    pq.write_table(pa.table(table), path)
    assert detect_format(path) == "table"
    products, problems = read_all(path)
    assert products[0].price == Price(amount=Decimal("5.50"), currency="EUR")
    assert products[0].attributes == {
        "weight": 0.5,
        "sizes": ["S"],
        "made": "2026-01-01T00:00:00+00:00",
    }
    assert products[1].attributes == {}
    assert [(problem.line, problem.field) for problem in problems] == [(3, "title")]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FeedError, match="damaged Parquet"):
        read_all(path)


def test_attributes_never_take_the_name_of_a_field():
    """A column that is not used for its field is kept under another name, also twice."""
    plan = plan_columns(
        ["id", "sku", "Price (old)", "price", "PRICE", "rating"], {"price": "PRICE"}, "f"
    )
    assert plan.fields["price"] == ["PRICE"]
    assert plan.attributes == {"sku": "sku", "Price (old)": "price_old", "price": "feed_price"}
