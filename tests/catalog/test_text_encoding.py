from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import pytest

from shopsight.catalog.text_encoding import detect_encoding
from shopsight.testing.feeds import read_all

HEADER = "id,title,image_link,description\n"


def encoding_of(data: bytes, declared: str = "") -> str:
    """Name of the encoding found."""
    return detect_encoding(lambda: BytesIO(data), declared).name


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("utf-8", "Größe, 红色马克杯"),
        ("utf-8-sig", "Größe, 红色马克杯"),
        ("utf-16", "Größe, 红色马克杯"),
        ("utf-16-le", "Größe"),
        ("utf-16-be", "Größe"),
        ("utf-32", "Größe, 红色马克杯"),
        ("cp1252", "Süße Käsespätzle für 5 €"),
        ("latin-1", "Théière émaillée à fleurs"),
        ("cp1250", "Červený hrnek, příliš žlutý"),
        ("cp1250", "Gyűrű, őszi kollekció nőknek"),
        ("cp1250", "Żółty kubek, łyżka drewniana średnia"),
        ("cp1251", "Кружка керамическая синяя"),
        ("gb18030", "峡湾撞色马克杯手工两次蘸釉"),
        ("big5", "紅色馬克杯陶瓷咖啡杯"),
        ("euc_kr", "빨간 머그컵 도자기"),
    ],
)
def test_feeds_in_other_encodings_are_read_with_their_letters(tmp_path: Path, encoding, title):
    """Byte order marks, UTF-16 without one, and national encodings are found."""
    path = tmp_path / "feed.csv"
    rows = "".join(f'{number},"{title}",{number}.jpg,\n' for number in range(5))
    path.write_bytes((HEADER + rows).encode(encoding))
    products, problems = read_all(path)
    assert [product.title for product in products] == [title] * 5
    assert all(problem.severity == "warning" for problem in problems)


def test_a_guessed_encoding_is_reported_once(tmp_path: Path):
    """A person is told which encoding was assumed, and how to be certain."""
    path = tmp_path / "feed.csv"
    path.write_bytes((HEADER + "1,Grün,1.jpg,\n2,Süß,2.jpg,\n").encode("cp1252"))
    _, problems = read_all(path)
    assert [problem.reason for problem in problems] == [
        "The file is not UTF-8; it was read as cp1252. If letters look wrong, save it as UTF-8."
    ]


def test_a_single_bad_byte_does_not_change_the_encoding(tmp_path: Path):
    """A UTF-8 feed with one damaged character is still UTF-8, and the damage is reported."""
    path = tmp_path / "feed.csv"
    data = (HEADER + "1,Größe,1.jpg,\n2,Süß,2.jpg,\n3,Grün X,3.jpg,\n").encode()
    path.write_bytes(data.replace(b"X", b"\xfc"))
    products, problems = read_all(path)
    assert [product.title for product in products] == ["Größe", "Süß", "Grün \ufffd"]
    assert "not UTF-8" in problems[0].reason


def test_a_late_surprise_counts(tmp_path: Path):
    """The first other letter after a megabyte of ASCII is still read rightly."""
    path = tmp_path / "feed.csv"
    rows = "".join(f"{number},Mug,{number}.jpg,{'x' * 1000}\n" for number in range(1200))
    path.write_bytes((HEADER + rows + "last,Grüner Käse,x.jpg,\n").encode("cp1252"))
    products, _ = read_all(path)
    assert products[-1].title == "Grüner Käse"


def test_a_declared_encoding_is_believed_unless_the_bytes_say_utf8():
    """Pages often declare Latin-1 and are UTF-8; else declarations are taken at their word."""
    assert encoding_of("Größe".encode(), "iso-8859-1") == "utf-8"
    assert encoding_of("Größe".encode("latin-1"), "iso-8859-1") == "cp1252"
    assert encoding_of("红色".encode("gb2312"), "gb2312") == "gb18030"
    assert encoding_of("Größe Käse für Süßes".encode("cp1252"), "no-such-encoding") == "cp1252"
    assert encoding_of(b"<?xml version='1.0' encoding='utf-16'?>", "utf-16") == "utf-8"


def test_gzip_is_unpacked_on_the_way(tmp_path: Path):
    """A packed feed is read like any other, whatever its name."""
    path = tmp_path / "feed.csv"
    path.write_bytes(gzip.compress((HEADER + "1,Größe,1.jpg,\n").encode("cp1252")))
    products, _ = read_all(path)
    assert [product.title for product in products] == ["Größe"]


def test_an_encoding_can_be_named(tmp_path: Path):
    """The caller's word wins over detection; an unknown name is an error that suggests others."""
    path = tmp_path / "feed.csv"
    path.write_bytes((HEADER + "1,Grün,1.jpg,\n").encode("latin-1"))
    products, problems = read_all(path, encoding="cp1250")
    assert (products[0].title, problems) == ("Grün", [])
    with pytest.raises(Exception, match="no known encoding; try utf-8"):
        read_all(path, encoding="klingon")
