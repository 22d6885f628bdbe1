from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsight.errors import FetchError
from shopsight.images.decoding import ImageLimits
from shopsight.images.fetch import FetchLimits, Validators
from shopsight.images.source import ImageSource, Loaded, Location, Unchanged, resolve

URL = "https://shop.example/feeds/main.xml"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A feed's folder with two pictures, and a file outside it."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "mug.jpg").write_bytes(b"mug")
    (folder / "images" / "blue mug.jpg").write_bytes(b"blue mug")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return folder.resolve()


def _source(shop: Path, **limits: int) -> ImageSource:
    return ImageSource(
        shop, root=shop, limits=ImageLimits(**limits), fetch_limits=FetchLimits(retries=0)
    )


def _load(source: ImageSource, location: Location, **known: object) -> Loaded | Unchanged:
    async def run() -> Loaded | Unchanged:
        try:
            return await source.load(location, **known)
        finally:
            await source.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("images/mug.jpg", "mug.jpg"),
        ("./images//mug.jpg", "mug.jpg"),
        (" images/mug.jpg\n", "mug.jpg"),
        ("images\\mug.jpg", "mug.jpg"),
        ("images/blue mug.jpg", "blue mug.jpg"),
        ("images/blue%20mug.jpg", "blue mug.jpg"),
        ("images\\blue%20mug.jpg?v=3", "blue mug.jpg"),
        ("images/mug.jpg?width=200", "mug.jpg"),
        ("file:images/blue%20mug.jpg", "blue mug.jpg"),
        ("file:///SHOP/images/blue%20mug.jpg", "blue mug.jpg"),
        ("FILE://localhost/SHOP/images/mug.jpg", "mug.jpg"),
        ("/SHOP/images/mug.jpg", "mug.jpg"),
        ("images/../images/mug.jpg", "mug.jpg"),
        ("images/not there.jpg", "not there.jpg"),
    ],
)
def test_local_links(shop: Path, link: str, name: str):
    """Paths as feeds write them, relative and absolute, lead to the file they mean."""
    location = resolve(link.replace("/SHOP", str(shop)), shop, shop)
    assert location == Location(path=shop / "images" / name)
    assert location.is_local
    assert str(location) == str(shop / "images" / name)


def test_names_are_taken_literally_first(shop: Path):
    """A file whose very name has percent signs or question marks is found under it."""
    for name in ("100%25.jpg", "why?.jpg", "back\\slash.jpg"):
        (shop / name).write_bytes(b"odd")
        assert resolve(name, shop, shop).path == shop / name


@pytest.mark.parametrize(
    ("link", "base", "url"),
    [
        ("https://a.example/x.jpg", Path(), "https://a.example/x.jpg"),
        ("HTTP://a.example/x.jpg", Path(), "HTTP://a.example/x.jpg"),
        ("https://a.example/my mug.jpg", Path(), "https://a.example/my%20mug.jpg"),
        ("//cdn.example/x.jpg", Path(), "https://cdn.example/x.jpg"),
        ("//cdn.example/x.jpg", "http://shop.example/f.xml", "http://cdn.example/x.jpg"),
        ("x.jpg", URL, "https://shop.example/feeds/x.jpg"),
        ("/media/x.jpg", URL, "https://shop.example/media/x.jpg"),
        ("..\\media\\my mug.jpg", URL, "https://shop.example/media/my%20mug.jpg"),
    ],
)
def test_web_links(link: str, base: Path | str, url: str):
    """Web links stay as they are, relative ones start at the feed's address."""
    location = resolve(link, base, None)
    assert location == Location(url=url)
    assert not location.is_local
    assert str(location) == url


@pytest.mark.parametrize(
    "link",
    [
        "../secret.jpg",
        "images/../../secret.jpg",
        "/etc/passwd",
        "file:///etc/passwd",
        "..%2Fsecret.jpg/../../secret.jpg",
        "escape.jpg",
        "folder/secret.jpg",
    ],
)
def test_local_links_outside_the_root(shop: Path, link: str):
    """No path and no symbolic link leads out of the allowed folder; the error names the option."""
    (shop / "escape.jpg").symlink_to(shop.parent / "secret.jpg")
    (shop / "folder").symlink_to(shop.parent)
    with pytest.raises(FetchError, match="--image-root") as caught:
        resolve(link, shop, shop)
    assert caught.value.reason == "outside_root"


def test_symbolic_links_inside_the_root(shop: Path):
    """A symbolic link that stays in the folder is followed to the file itself."""
    (shop / "alias.jpg").symlink_to("images/mug.jpg")
    assert resolve("alias.jpg", shop, shop).path == shop / "images" / "mug.jpg"


def test_root_with_a_similar_name(shop: Path):
    """A folder whose name merely begins like the root's is not inside it."""
    (shop.parent / "shop2").mkdir()
    with pytest.raises(FetchError):
        resolve("../shop2/x.jpg", shop, shop)


def test_another_root(shop: Path, tmp_path: Path):
    """With another root, absolute paths there are allowed and relative ones are taken from it."""
    pictures = tmp_path.resolve() / "pictures"
    pictures.mkdir()
    assert resolve(str(pictures / "a.jpg"), shop, pictures).path == pictures / "a.jpg"
    assert resolve("a.jpg", shop, pictures).path == pictures / "a.jpg"
    wider = tmp_path.resolve()
    assert resolve("../secret.jpg", shop, wider).path == wider / "secret.jpg"


@pytest.mark.parametrize("link", ["a.jpg", "/etc/passwd", "file:///etc/passwd", "C:\\a.jpg"])
def test_no_local_links_without_a_root(shop: Path, link: str):
    """A feed that was uploaded may not name any file of this machine."""
    with pytest.raises(FetchError, match="feed from elsewhere") as caught:
        resolve(link, shop, None)
    assert caught.value.reason == "outside_root"


@pytest.mark.parametrize("root", [None, Path("/")])
def test_no_file_links_in_feeds_from_the_web(root: Path | None):
    """A feed from the web may not name files of this machine, whatever the root."""
    with pytest.raises(FetchError) as caught:
        resolve("file:///etc/passwd", URL, root)
    assert caught.value.reason == "outside_root"


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ftp://a.example/x.jpg", "ftp:"),
        ("data:image/png;base64,AAAA", "data:"),
        ("javascript:alert(1)", "javascript:"),
        ("file://server/share/x.jpg", "server"),
        ("file://[::1/x.jpg", "no link"),
    ],
)
def test_links_that_lead_nowhere(shop: Path, link: str, said: str):
    """Empty links and other schemes are refused with a message that names them."""
    with pytest.raises(FetchError, match=said) as caught:
        resolve(link, shop, shop)
    assert caught.value.reason == "bad_url"


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.sampled_from(
            [
                "..",
                "/",
                "\\",
                "%2e%2e",
                "%2F",
                "file:",
                "images",
                "up",
                ".",
                "?",
                "\x00",
                "a" * 300,
                "~",
                "é",
            ]
        )
        | st.text(max_size=3),
        max_size=8,
    ).map("".join)
)
def test_no_link_escapes(shop: Path, link: str):
    """Whatever a link says, it leads into the folder, to the web, or to a FetchError."""
    if not (shop / "up").is_symlink():
        (shop / "up").symlink_to("..")
    try:
        location = resolve(link, shop, shop)
    except FetchError as error:
        right = error.reason in {"outside_root", "bad_url", "unreadable"}
    else:
        right = location.path.is_relative_to(shop) if location.path else "//" in location.url
    assert right


def test_location_survives_as_text(shop: Path):
    """What is stored of a location leads to the same place again."""
    for location in (Location(path=shop / "images" / "mug.jpg"), Location(url=URL)):
        assert Location.parse(str(location)) == location


def test_loads_a_file(shop: Path):
    """A file comes with its hash and stamp, and is not read again while the stamp stays."""
    source = _source(shop)
    location = source.resolve("images/mug.jpg")
    loaded = _load(source, location)
    assert isinstance(loaded, Loaded)
    assert loaded.data == b"mug"
    assert loaded.sha256 == hashlib.sha256(b"mug").hexdigest()
    assert loaded.validators == Validators()
    assert loaded.stamp == source.stamp(location)
    assert isinstance(_load(source, location, stamp=loaded.stamp), Unchanged)
    location.path.write_bytes(b"new mug")
    changed = _load(source, location, stamp=loaded.stamp)
    assert isinstance(changed, Loaded)
    assert changed.stamp != loaded.stamp


def test_change_of_the_same_size_is_seen(shop: Path):
    """A file replaced by one of the same size is read again because of its time."""
    source = _source(shop)
    location = source.resolve("images/mug.jpg")
    before = source.stamp(location)
    location.path.write_bytes(b"gum")
    os.utime(location.path, ns=(1, 1))
    assert isinstance(_load(source, location, stamp=before), Loaded)


def _file_error(source: ImageSource, link: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        _load(source, source.resolve(link))
    return caught.value


def test_files_that_cannot_be_read(shop: Path):
    """Missing files, folders, pipes, sockets and overlong names each give their reason, at once."""
    os.mkfifo(shop / "pipe.jpg")
    (shop / "loop.jpg").symlink_to("loop.jpg")
    source = _source(shop)
    assert _file_error(source, "missing.jpg").reason == "not_found"
    assert _file_error(source, "images/mug.jpg/x.jpg").reason == "not_found"
    assert _file_error(source, "images").reason == "not_a_file"
    assert "named pipe" in str(_file_error(source, "pipe.jpg"))
    assert _file_error(source, "loop.jpg").reason == "unreadable"
    assert _file_error(source, "a" * 300 + ".jpg").reason == "unreadable"
    assert source.stamp(source.resolve("missing.jpg")) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_forbidden_file(shop: Path):
    """A file without permission is reported as forbidden, with what to change."""
    (shop / "images" / "mug.jpg").chmod(0)
    error = _file_error(_source(shop), "images/mug.jpg")
    assert error.reason == "forbidden"
    assert "permissions" in str(error)


def test_device_is_not_read():
    """A device that would never end is not read."""
    source = _source(Path("/dev"))
    assert _file_error(source, "zero").reason == "not_a_file"


def test_large_file(shop: Path):
    """A file over the byte limit is not read; the message names the setting."""
    error = _file_error(_source(shop, max_bytes=2), "images/mug.jpg")
    assert error.reason == "too_many_bytes"
    assert "image_max_bytes" in str(error)


def test_file_that_grows_while_it_is_read():
    """A file that is larger than its size said, as those of /proc are, is still limited."""
    source = _source(Path("/proc/self"), max_bytes=3)
    error = _file_error(source, "status")
    assert error.reason == "too_many_bytes"


def test_loads_from_the_web():
    """A picture from the web comes with validators; its unchanged answer is understood."""

    async def answer(request: web.Request) -> web.StreamResponse:
        same = "If-None-Match" in request.headers
        body = None if same else b"from afar"
        return web.Response(status=304 if same else 200, body=body, headers={"ETag": '"5"'})

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/mug.jpg", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        source = ImageSource(
            f"http://127.0.0.1:{runner.addresses[0][1]}/feed.xml",
            root=None,
            limits=ImageLimits(),
            fetch_limits=FetchLimits(allow_hosts=("127.0.0.1",)),
        )
        location = source.resolve("mug.jpg")
        loaded = await source.load(location)
        assert isinstance(loaded, Loaded)
        assert (loaded.data, loaded.stamp) == (b"from afar", None)
        assert loaded.sha256 == hashlib.sha256(b"from afar").hexdigest()
        again = await source.load(location, validators=loaded.validators)
        assert isinstance(again, Unchanged)
        assert source.stamp(location) is None
        await source.close()
        await runner.cleanup()

    asyncio.run(run())


def test_resolving_from_another_thread(shop: Path):
    """Links can be resolved in one thread while pictures are loaded in another."""
    source = _source(shop)
    found: list[Location] = []
    thread = threading.Thread(target=lambda: found.append(source.resolve("images/mug.jpg")))
    thread.start()
    thread.join()
    assert isinstance(_load(source, found[0]), Loaded)
