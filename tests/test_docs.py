"""What the documentation says is run, compared with the code, or at least leads somewhere."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from shopsight.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"))
)
RUN_PAGES = ["README.md", "docs/quick-start.md", "docs/sample-shop.md", "docs/configuration.md"]
"""Pages whose examples are run, in their order, from the root of the repository."""

BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PORT = "8080"  # in the examples; a free one takes its place
READY_WITHIN_S = 60


@dataclass(frozen=True)
class Example:
    """A fenced block of a page."""

    language: str
    text: str
    note: str

    @property
    def runs(self) -> bool:
        """Whether it is meant to be run."""
        return self.language in {"sh", "python"} and not self.note.startswith("not run: ")

    @property
    def goes_on(self) -> bool:
        """Whether it starts a server for the examples after it."""
        return self.note.startswith("goes on running: ")


def text_of(page: str) -> str:
    """A page."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def examples(page: str) -> list[Example]:
    """The fenced blocks of a page."""
    return [
        Example(found["language"], found["text"], found["note"] or "")
        for found in BLOCK.finditer(text_of(page))
    ]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, sample_shop: Path) -> Path:
    """A folder that looks like the repository's root to the examples.

    Of the sample shop it has the mugs, which are the hardest to tell apart, what the pages name,
    and a quarter of the rest: examples of the whole take three times as long and show no more.
    """
    folder = tmp_path_factory.mktemp("examples")
    shop = folder / "src" / "shopsight" / "sample_shop"
    named = set(re.findall(r"[A-Z]{3}\d{3}", "".join(map(text_of, RUN_PAGES))))
    products = rows_of(sample_shop / "catalog.csv")
    kept = {row["id"] for row in products[::4]} | named
    kept |= {row["id"] for row in products if row["id"].startswith("MUG")}
    links = ("image_link", "additional_image_link")
    copy_rows(sample_shop, shop, "catalog.csv", links, lambda row: row["id"] in kept)
    copy_rows(sample_shop, shop, "photos.csv", ("photo",), lambda row: row["id"] in kept)
    copy_rows(sample_shop, shop, "brands.csv", ("logo",), lambda row: row["name"] < "D")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def copy_rows(
    source: Path,
    target: Path,
    name: str,
    links: tuple[str, ...],
    wanted: Callable[[dict[str, str]], bool],
) -> None:
    """Copy rows of a CSV file between folders, and the pictures in the columns ``links``."""
    rows = [row for row in rows_of(source / name) if wanted(row)]
    for picture in {row[link] for row in rows for link in links if row[link]}:
        (target / picture).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / picture, target / picture)
    with (target / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def port() -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def environment(port: int) -> dict[str, str]:
    """The environment of a reader: ours first on the path, and no settings but two.

    The port is a free one. Nothing is calibrated, nor is coverage counted: both have tests of their
    own, and take most of the time.
    """
    ours = ("SHOPSIGHT_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SHOPSIGHT_CALIBRATE": "false",
        "SHOPSIGHT_PORT": str(port),
    }


def command(example: Example, port: int) -> list[str]:
    """How an example is run."""
    text = example.text.replace(f":{PORT}", f":{port}")
    return (
        [sys.executable, "-c", text] if example.language == "python" else ["sh", "-eu", "-c", text]
    )


@contextmanager
def server(example: Example, port: int, place: Path, environment: dict[str, str]) -> Iterator[None]:
    """Keep an example running that serves, from the time it is ready."""
    (line,) = example.text.splitlines()
    log = place / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            line.split(), cwd=place, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not answers(f"http://127.0.0.1:{port}/readyz"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def answers(address: str) -> bool:
    """Whether a page can be had."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize("page", RUN_PAGES)
def test_examples_run(page: str, workplace: Path, environment: dict[str, str], port: int) -> None:
    """Every command and program on the page works as a reader would paste it."""
    found = [example for example in examples(page) if example.runs]
    assert found
    if any("curl " in example.text for example in found) and not shutil.which("curl"):
        pytest.skip("needs curl")
    with ExitStack() as stack:
        for example in found:
            if example.goes_on:
                stack.enter_context(server(example, port, workplace, environment))
                continue
            done = subprocess.run(
                command(example, port),
                cwd=workplace,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"


def test_readme_examples_find_the_mug(workplace: Path, environment: dict[str, str]) -> None:
    """The search of the README answers with the mug on the photo, as its reader is promised."""
    shop = "src/shopsight/sample_shop"
    for arguments in (["index", f"{shop}/catalog.csv"], ["search", f"{shop}/photos/MUG007_a.jpg"]):
        done = subprocess.run(
            ["shopsight", *arguments, "--json"],
            cwd=workplace,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    hits = json.loads(done.stdout)["hits"]
    assert hits[0]["product"]["id"] == "MUG007"


@pytest.mark.parametrize("page", PAGES)
def test_examples_left_out_say_why(page: str) -> None:
    """An example that is not run gives its reason."""
    notes = [example.note for example in examples(page) if not example.runs]
    assert all(len(note) > len("not run: ") for note in notes if note.startswith("not run:"))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of the page leads to a file."""
    prose = BLOCK.sub("", text_of(page))
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose)
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    missing = [
        target for target in local if not (REPOSITORY / page).parent.joinpath(target).exists()
    ]
    assert missing == []


def test_every_page_is_in_the_readme() -> None:
    """A page under docs that nobody can find from the README does not exist for readers."""
    readme = text_of("README.md")
    assert [page for page in PAGES if page.startswith("docs/") and f"({page})" not in readme] == []


def test_readmes_keep_step() -> None:
    """The Chinese README has the same headings, examples, links and pictures as the English one."""
    english, chinese = text_of("README.md"), text_of("README.zh-CN.md")

    def outline(text: str) -> list[str]:
        return re.findall(r"^#+", BLOCK.sub("", text), re.MULTILINE)

    def links(text: str) -> list[str]:
        found = re.findall(r"\]\(([^)]+)\)", text.replace("-zh.png", ".png"))
        return [each for each in found if "README" not in each]

    def blocks(page: str) -> list[tuple[str, str, bool]]:
        return [(each.language, each.text, each.runs) for each in examples(page)]

    assert outline(chinese) == outline(english)
    assert blocks("README.zh-CN.md") == blocks("README.md")
    assert links(chinese) == links(english)


def shown(field: FieldInfo) -> str:
    """A setting's default as the documentation writes it."""
    value = field.get_default(call_default_factory=True)
    text = json.dumps(value) if isinstance(value, bool | list) else str(value)
    return f"`{text.removesuffix('.0')}`" if text else "empty"


def test_configuration_lists_every_setting() -> None:
    """Each setting is listed with its present default and meaning, and no other is."""
    rows = re.findall(r"^\| `SHOPSIGHT_.*$", text_of("docs/configuration.md"), re.MULTILINE)
    expected = [
        f"| `SHOPSIGHT_{name.upper()}` | {shown(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [row for row in expected if row not in rows] == []
    assert [row for row in rows if row not in expected] == []


def test_sample_shop_page_counts_its_photos(sample_shop: Path) -> None:
    """The table of photos has the figures of photos.csv."""
    kinds = {row["photo"]: row["kind"] for row in rows_of(sample_shop / "photos.csv")}
    table = re.findall(r"^\| `(\w+)` \| (\d+) \|", text_of("docs/sample-shop.md"), re.MULTILINE)
    assert {kind: int(count) for kind, count in table} == {
        kind: list(kinds.values()).count(kind) for kind in kinds.values()
    }
