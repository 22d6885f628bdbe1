from __future__ import annotations

import gzip
import os
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsight import plugins
from shopsight.catalog.duplicates import DiskSet
from shopsight.catalog.feeds import FeedReader, check_feed, detect_format, read_feed
from shopsight.catalog.product import Price, Product
from shopsight.errors import FeedError, SettingsError
from shopsight.testing.feeds import read_all

FEEDS = Path(__file__).parent / "feeds"


def write(folder: Path, data: str | bytes, name: str = "feed.csv") -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_every_named_reader_is_one():
    """All names of the kind load classes that satisfy the protocol and carry that name."""
    for name in plugins.names("feeds"):
        reader = plugins.load("feeds", name)
        assert isinstance(reader(), FeedReader)
        assert reader.name == name


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("feed.csv", b"", "is empty"),
        ("feed.csv", b"\xef\xbb\xbf\r\n  \n", "is empty"),
        ("feed.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("feed.csv", b"id,title,image_link\n", "holds no products"),
        ("feed.txt", b"Dear all,\nplease find attached.\n", "no known format. Known are: google,"),
        ("feed.bin", bytes(range(256)) * 4, "no known format"),
        ("feed.jpg", b"\xff\xd8\xff\xe0" + bytes(500), "no known format"),
        ("feed.xml", b'<?xml version="1.0"?><orders><order/></orders>', "no known format"),
        ("feed.xml", b"<rss><channel><item><g:id>1</g:id>", "ends early"),
        ("feed.xlsx", b"PK\x03\x04" + bytes(50), "save the sheet as CSV"),
        ("feed.xls", b"\xd0\xcf\x11\xe0" + bytes(50), "save the sheet as CSV"),
        ("feed.csv.zst", b"(\xb5/\xfd" + bytes(50), "zstd"),
        ("feed.csv.gz", b"\x1f\x8b" + b"\x01" * 50, "damaged gzip archive"),
        ("feed.csv.gz", gzip.compress(b"id,title,image\n" * 100, mtime=0)[:-10], "cut off"),
        ("feed.json", b'{"id": ', "cut off"),
        ("feed.json", b"[]", "holds no products"),
    ],
)
def test_what_is_no_feed_is_told_with_the_reason(tmp_path: Path, name, data, reason):
    """Empty, packed, damaged and foreign files are one clear error that names the file."""
    path = write(tmp_path, data, name)
    with pytest.raises(FeedError, match=reason) as caught:
        read_all(path, label=str(path))
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_opened_are_told(tmp_path: Path):
    """A missing file and a folder are different mistakes, found before anything is iterated."""
    with pytest.raises(FeedError, match="does not exist; check the path"):
        read_feed(tmp_path / "missing.csv")
    with pytest.raises(FeedError, match="is a folder"):
        read_feed(tmp_path)
    with pytest.raises(SettingsError, match="'excel' is not one of the feeds"):
        read_feed(FEEDS / "google.tsv", format="excel")
    with pytest.raises(FeedError, match="no code of ISO 4217"):
        read_feed(FEEDS / "google.tsv", default_currency="Euro")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_told(tmp_path: Path):
    """Missing permission is an error with the system's words."""
    path = write(tmp_path, "id,title,image\n1,a,1.jpg\n")
    path.chmod(0)
    with pytest.raises(FeedError, match="Permission denied"):
        read_feed(path)


def test_a_format_can_be_forced(tmp_path: Path):
    """The named reader is used even where another would be found."""
    path = write(tmp_path, "id\ttitle\timage_link\tprice\n1\ta\t1.jpg\t1.299 EUR\n")
    assert detect_format(path) == "google"
    (as_google,), _ = read_all(path)
    (as_table,), _ = read_all(path, format="table")
    assert as_google.price == Price(amount=Decimal("1.299"), currency="EUR")
    assert as_table.price == Price(amount=Decimal(1299), currency="EUR")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bad_rows_do_not_stop_the_feed(tmp_path: Path, end, mark):
    """Rows that cannot be used are reported with line, field and reason, for all line ends."""
    rows = [
        "id,title,image_link,price,availability",
        "1,Good,1.jpg,5 EUR,in stock",
        ",No id,2.jpg,5 EUR,",
        "3,,3.jpg,5 EUR,",
        "4,No image,,5 EUR,",
        '5,"Two',
        'lines",5.jpg,-5 EUR,perhaps',
        "1,Twice,1b.jpg,5 EUR,",
        "7,Too,many,values,in,this,row",
        "8,Too few,8.jpg",
        "9,NUL\0 and bell\x07,9.jpg,99999999999 EUR,",
        "10,Good,10.jpg,5 EUR,in stock",
        "",
    ]
    path = write(tmp_path, mark + end.join(rows).encode())
    products, problems = read_all(path)
    assert [product.id for product in products] == ["1", "5", "8", "9", "10"]
    assert products[3].title == "NUL and bell"
    assert [(problem.line, problem.field, problem.severity) for problem in problems] == [
        (3, "id", "error"),
        (4, "title", "error"),
        (5, "image_link", "error"),
        (6, "price", "warning"),
        (6, "availability", "warning"),
        (8, "id", "error"),
        (9, "", "error"),
        (10, "", "warning"),
        (11, "price", "warning"),
    ]
    assert "used in line 2 already" in problems[5].reason
    assert problems[3].product_id == "5"


def test_a_header_twice_and_overlong_fields(tmp_path: Path):
    """Repeated columns, long ids, links and texts are each reported; what can be kept is cut."""
    path = write(
        tmp_path,
        "id,title,image,brand,link,title,note\n"
        f"1,{'t' * 1500},1.jpg,{'b' * 300},https://x.example/{'l' * 5000},x,{'n' * 30_000}\n"
        f"{'i' * 201},a,2.jpg,,,,\n"
        f"3,a,{'p' * 5000}.jpg,,,,\n"
        "4,a,data:image/png;base64;AAAA,,,,\n"
        "5,a,ftp://x.example/5.jpg,,,,\n"
        '6,a,6.jpg,,"java\nscript:alert(1)",,\n',
    )
    products, problems = read_all(path)
    assert [product.id for product in products] == ["1", "6"]
    assert (len(products[0].title), len(products[0].brand), products[0].link) == (1000, 200, "")
    assert len(str(products[0].attributes["note"])) <= 20_000
    assert products[1].link == ""
    assert [(problem.line, problem.field) for problem in problems] == [
        (1, "title"),
        (2, "title"),
        (2, "brand"),
        (2, "link"),
        (2, "note"),
        (3, "id"),
        (4, "image_link"),
        (4, "image_link"),
        (5, "image_link"),
        (5, "image_link"),
        (6, "image_link"),
        (6, "image_link"),
        (7, "link"),
    ]


def test_a_feed_is_checked_without_being_kept(tmp_path: Path):
    """The summary counts rows, fields, currencies, pictures and problems, and shows some."""
    rows = "".join(f"{number},Mug,{number % 3}.jpg,5 EUR,red\n" for number in range(30))
    path = write(tmp_path, "id,title,image,price,color\n" + rows + ",a,b.jpg,5 USD,\n" * 5)
    summary = check_feed(path, sample=2)
    assert summary.format == "table"
    assert summary.encoding == "utf-8"
    assert (summary.rows, summary.products, summary.errors, summary.warnings) == (35, 30, 5, 0)
    assert summary.filled == {"id": 30, "title": 30, "image_link": 30, "price": 30, "color": 30}
    assert summary.problems_by_field == {"id": 5}
    assert [problem.line for problem in summary.problems] == [32, 33]
    assert summary.currencies == {"EUR": 30}
    assert summary.images == 3
    assert summary.failure == ""


def test_a_check_reports_a_feed_that_breaks_off(tmp_path: Path):
    """What was read counts, and the failure says what happened."""
    path = write(tmp_path, '[{"id": 1, "title": "a", "image": "1.jpg"}, {"id"', "feed.json")
    summary = check_feed(path)
    assert summary.products == 1
    assert "cut off" in summary.failure


@pytest.mark.parametrize("path", sorted(FEEDS.iterdir()), ids=lambda path: path.name)
def test_every_example_is_read_the_same_when_packed(tmp_path: Path, path):
    """Packing changes nothing, whatever the format and the file's name."""
    packed = tmp_path / path.name
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert detect_format(packed) == detect_format(path)
    assert read_all(packed) == read_all(path)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.binary(max_size=400))
def test_no_bytes_make_anything_but_products_reports_and_feed_errors(tmp_path: Path, data):
    """Arbitrary bytes, also behind the beginnings of real feeds, are survived."""
    for start in (
        b"",
        b"id,title,image\n1,a,1.jpg\n",
        b"<rss><item><g:id>1",
        b'[{"id":1},',
        b'{"id":1}\n',
    ):
        path = write(tmp_path, start + data, "feed")
        try:
            items = list(read_feed(path))
        except FeedError:
            continue
        assert items


def test_a_disk_set_remembers_where_a_text_came_first():
    """The first number stays; distinct texts are counted."""
    with DiskSet() as seen:
        assert [seen.add("a", 1), seen.add("b", 2), seen.add("a", 3)] == [None, None, 1]
        assert len(seen) == 2


MEASURE = """
import sys
import psutil
from pathlib import Path
from shopsight.catalog.feeds import read_feed
from shopsight.catalog.product import Product

def write(path, rows):
    words = "glazed by hand in two dips " * 20
    with path.open("w") as stream:
        if path.suffix == ".xml":
            stream.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
            for n in range(rows):
                stream.write(f"<item><g:id>{n}</g:id><g:title>Mug {n}</g:title>"
                             f"<g:image_link>{n}.jpg</g:image_link><g:price>5 EUR</g:price>"
                             f"<g:description>{words}</g:description></item>\\n")
            stream.write("</channel></rss>")
        elif path.suffix == ".json":
            stream.write("[")
            for n in range(rows):
                comma = "," if n else ""
                stream.write(f'{comma}{{"id": {n}, "title": "Mug", "image": "{n}.jpg",')
                stream.write(f'"description": "{words}"}}')
            stream.write("]")
        else:
            stream.write("id,title,image_link,description,price\\n")
            for n in range(rows):
                stream.write(f"{n},Mug {n},{n}.jpg,{words},5 EUR\\n")

def read(path):
    return sum(isinstance(item, Product) for item in read_feed(path))

process = psutil.Process()
folder, suffix, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
small, large = folder / f"small{suffix}", folder / f"large{suffix}"
write(small, 2000)
write(large, rows)
assert read(small) == 2000
before = process.memory_info().rss
peak = before
count = 0
for item in read_feed(large):
    count += isinstance(item, Product)
    if count % 2000 == 0:
        peak = max(peak, process.memory_info().rss)
assert count == rows, count
print((peak - before) / large.stat().st_size, large.stat().st_size)
"""


@pytest.mark.parametrize("suffix", [".csv", ".xml", ".json"])
def test_a_large_feed_is_read_in_constant_memory(tmp_path: Path, suffix, uncounted):
    """Reading 20 MB after 1 MB makes the process grow by less than a fifth of the feed."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), str(tmp_path), suffix, "33000"],
        capture_output=True, text=True, check=False, env=uncounted,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    growth, size = result.stdout.split()
    assert int(size) > 18_000_000
    assert float(growth) < 0.2


@pytest.mark.data
@pytest.mark.parametrize(
    ("path", "count"),
    [("luma/catalog.csv", 449), ("mixed/catalog.csv", 99), ("grocery/products.csv", 81)],
)
def test_public_catalogues_come_through_whole(path, count):
    """Every product of the public data sets is read, without a single problem."""
    data = Path(__file__).parents[3] / "shared" / "data" / path
    if not data.exists():
        pytest.skip("the public data is not here")
    products, problems = read_all(data)
    assert (len(products), problems) == (count, [])
    assert all(isinstance(product, Product) for product in products)
