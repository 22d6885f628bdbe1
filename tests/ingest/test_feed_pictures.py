from __future__ import annotations

import stat
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.errors import FeedError, StorageError
from shopsight.ingest.feed_pictures import (
    ArchiveLimits,
    alignment,
    moved,
    safe_name,
    unpack_files,
    unpack_pictures,
)

LIMITS = ArchiveLimits(max_files=20, max_bytes=1_000_000, max_file_bytes=100_000)


def picture(color: str = "red") -> bytes:
    """A small PNG."""
    file = BytesIO()
    Image.new("RGB", (16, 16), color).save(file, "PNG")
    return file.getvalue()


def packed(folder: Path, files: dict[str | zipfile.ZipInfo, bytes]) -> Path:
    """An archive."""
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def names(folder: Path) -> list[str]:
    """Files in a folder, with their folders."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_pictures_land_where_links_lead(tmp_path: Path) -> None:
    """A packed folder, or bare files, are moved to the folder that the feed's links name."""
    links = ["images/a.png", "./images/sub/b%20c.png", "https://shop.example/a.png"]
    wanted = ["images/a.png", "images/sub/b c.png"]
    for number, prefix in enumerate(("", "shop/", "C/exports/shop/")):
        archive = packed(tmp_path, {f"{prefix}{name}": picture() for name in wanted})
        target = tmp_path / str(number)
        done = unpack_pictures(archive, target, links=links, limits=LIMITS)
        assert (done.kept, done.left_out) == (2, 0)
        assert names(target) == wanted
    archive = packed(tmp_path, {"a.png": picture()})
    unpack_pictures(archive, tmp_path / "bare", links=links, limits=LIMITS)
    assert names(tmp_path / "bare") == ["images/a.png"]


def test_names_that_lead_elsewhere_are_left_out(tmp_path: Path) -> None:
    """No name, however written, puts a file outside the folder; each is listed with the reason."""
    evil = ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"]
    archive = packed(tmp_path, {name: picture() for name in [*evil, "good.png"]})
    target = tmp_path / "deep" / "pictures"
    done = unpack_pictures(archive, target, links=["../../x/good.png"], limits=LIMITS)
    assert (done.kept, done.left_out) == (1, len(evil))
    assert all("out of the folder" in reason for reason in done.reasons.values())
    assert names(tmp_path) == ["archive.zip", "deep/pictures/good.png"]


def test_only_ordinary_pictures_are_kept(tmp_path: Path) -> None:
    """Pages, scripts, links to other files and hidden files are not kept, whatever their names."""
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    files: dict[str | zipfile.ZipInfo, bytes] = {
        link: b"/etc/passwd",
        "page.png": b"<html><script>alert(1)</script></html>",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "empty.png": b"",
        "notes.txt": b"hello",
        ".hidden.png": picture(),
        "__MACOSX/._good.png": picture(),
        "good.png": picture(),
    }
    done = unpack_pictures(packed(tmp_path, files), tmp_path / "pictures", links=[], limits=LIMITS)
    assert names(tmp_path / "pictures") == ["good.png"]
    assert set(done.reasons) == {"link.png", "page.png", "drawing.png", "empty.png", "notes.txt"}


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    """Too many files, too much in all, and one that is too large are refused or left out."""
    huge = packed(tmp_path, {"a.png": bytes(100_001)})
    done = unpack_pictures(huge, tmp_path / "one", links=[], limits=LIMITS)
    assert (done.kept, done.left_out) == (0, 1)
    assert "100,000 bytes" in done.reasons["a.png"]
    much = packed(tmp_path, {f"{n}.png": bytes(99_999) for n in range(11)})
    with pytest.raises(FeedError, match="1,000,000 bytes"):
        unpack_pictures(much, tmp_path / "all", links=[], limits=LIMITS)
    many = packed(tmp_path, {f"{n}.png": b"" for n in range(21)})
    with pytest.raises(FeedError, match="21 files"):
        unpack_pictures(many, tmp_path / "many", links=[], limits=LIMITS)


def test_sizes_that_lie_help_nobody(tmp_path: Path) -> None:
    """An entry that unpacks to more than it announces is left out, not unpacked."""
    path = packed(tmp_path, {"a.png": bytes(90_000)})
    data = path.read_bytes()
    honest, lie = (90_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(data.replace(honest, lie))
    done = unpack_pictures(path, tmp_path / "pictures", links=[], limits=LIMITS)
    assert (done.kept, done.left_out) == (0, 1)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    """Other files are refused with words."""
    path = tmp_path / "archive.zip"
    path.write_bytes(data)
    with pytest.raises(FeedError, match="no ZIP archive"):
        unpack_pictures(path, tmp_path / "pictures", links=[], limits=LIMITS)


def test_unchanged_pictures_keep_their_time(tmp_path: Path) -> None:
    """Sending the same picture again does not touch its file, so it is not encoded again."""
    target = tmp_path / "pictures"
    unpack_pictures(packed(tmp_path, {"a.png": picture()}), target, links=[], limits=LIMITS)
    before = (target / "a.png").stat().st_mtime_ns
    unpack_pictures(packed(tmp_path, {"a.png": picture()}), target, links=[], limits=LIMITS)
    assert (target / "a.png").stat().st_mtime_ns == before
    unpack_pictures(packed(tmp_path, {"a.png": picture("blue")}), target, links=[], limits=LIMITS)
    assert (target / "a.png").read_bytes() == picture("blue")


def test_names_that_cannot_be_files_are_left_out(tmp_path: Path) -> None:
    """A file in the place of a folder costs one picture, not the archive."""
    archive = packed(tmp_path, {"a.png": picture(), "a.png/b.png": picture(), "c.png": picture()})
    done = unpack_pictures(archive, tmp_path / "pictures", links=[], limits=LIMITS)
    assert (done.kept, done.left_out) == (2, 1)


def test_tables_are_unpacked_beside_pictures(tmp_path: Path) -> None:
    """For labelled photos, names stay and tables are kept."""
    archive = packed(tmp_path, {"set/photos.csv": b"photo\n", "set/a.png": picture()})
    assert unpack_files(archive, tmp_path / "set", limits=LIMITS).kept == 2
    assert names(tmp_path / "set") == ["set/a.png", "set/photos.csv"]


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """When the disk refuses, that is an error of storage and no fault of the archive."""
    archive = packed(tmp_path, {"a.png": picture()})
    with pytest.raises(StorageError):
        unpack_pictures(archive, archive / "pictures", links=[], limits=LIMITS)


@given(st.text(max_size=60))
def test_safe_names_stay_inside(name: str) -> None:
    """Whatever a name is, its safe form is relative, without steps upwards, and is its own."""
    found = safe_name(name)
    if found is not None:
        assert not found.startswith("/")
        assert not {"..", ".", ""} & set(found.split("/"))
        assert safe_name(found) == found


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    st.lists(st.sampled_from(["d", "e"]), max_size=3),
    st.lists(st.sampled_from(["x.png", "y.png", "z.png"]), min_size=1, unique=True),
)
def test_alignment_makes_names_fit(strip: list[str], add: list[str], files: list[str]) -> None:
    """Files under any folder are moved to exactly where links under any other folder lead."""
    present = ["/".join([*strip, name]) for name in files]
    links = ["/".join([*add, name]) for name in files]
    head, tail = alignment(present, links)
    assert [moved(name, head, tail) for name in present] == links
