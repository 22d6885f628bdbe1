from __future__ import annotations

import email.message
import email.parser
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import shopsight

REPOSITORY = Path(__file__).resolve().parent.parent
LARGEST_WHEEL = 60_000_000  # bytes; package indexes take 100 MB, slow lines less gladly


@pytest.fixture(scope="module")
def project() -> dict:
    """pyproject.toml."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the lock file check looks at."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    shutil.copytree(REPOSITORY / "requirements", tmp_path / "requirements")
    return tmp_path


def check_lock(repository: Path) -> subprocess.CompletedProcess[str]:
    """Run the lock file check."""
    return subprocess.run(
        [sys.executable, REPOSITORY / "tools/check_lock.py", repository],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a file's text; it must become another."""
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_wheel_holds_the_whole_sample_shop(wheel: Path, sample_shop: Path) -> None:
    """Every file of the sample shop is in the wheel, so that the demo needs no download."""
    files = [each for each in sample_shop.rglob("*") if each.is_file() and each.suffix != ".pyc"]
    assert len(files) > 400
    with zipfile.ZipFile(wheel) as archive:
        for path in files:
            name = f"shopsight/sample_shop/{path.relative_to(sample_shop).as_posix()}"
            assert archive.read(name) == path.read_bytes(), name


def test_wheel_holds_model_types_and_licences(wheel: Path) -> None:
    """The encoder's model, the typing marker, the licence and the notices are shipped."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "shopsight/py.typed" in names
    assert [name for name in names if name.endswith(".onnx")]
    for licence in ("LICENSE", "NOTICE"):
        assert f"shopsight-{shopsight.__version__}.dist-info/licenses/{licence}" in names


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    """No tests, caches or tools slip in, files are readable by all, and the wheel stays small."""
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
    tops = {entry.filename.split("/")[0] for entry in entries}
    assert tops == {"shopsight", f"shopsight-{shopsight.__version__}.dist-info"}
    assert [entry.filename for entry in entries if "__pycache__" in entry.filename] == []
    modes = {stat.S_IMODE(entry.external_attr >> 16) for entry in entries}
    assert all(mode & 0o644 == 0o644 and not mode & 0o022 for mode in modes), modes
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_wheel_says_what_it_is(metadata: email.message.Message, project: dict) -> None:
    """The metadata names version, licence, supported Pythons, all dependencies and extras."""
    assert metadata["Version"] == shopsight.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    required = metadata.get_all("Requires-Dist") or []
    assert sorted(line for line in required if "extra ==" not in line) == sorted(
        project["project"]["dependencies"]
    )
    assert set(metadata.get_all("Provides-Extra") or []) == set(
        project["project"]["optional-dependencies"]
    )


def test_version_is_the_same_everywhere(project: dict) -> None:
    """Package, metadata and change log agree on the version."""
    assert project["project"]["version"] == shopsight.__version__
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\]", changes, re.MULTILINE)
    assert released[0] == shopsight.__version__


def test_workflow_runs_every_supported_python(project: dict) -> None:
    """The versions promised to users are the versions that are tested."""
    promised = [
        each.rsplit(" ", 1)[1]
        for each in project["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", each)
    ]
    workflow = (REPOSITORY / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)
    assert re.findall(r"[\d.]+", matrix) == promised


def test_lock_files_are_in_step() -> None:
    """The lock files fulfil pyproject.toml and agree with each other."""
    done = check_lock(REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        pytest.param(
            "pyproject.toml",
            lambda text: text.replace('"rich>=14"', '"rich>=14", "flask>=3"'),
            "base.lock lacks flask",
            id="new-dependency",
        ),
        pytest.param(
            "pyproject.toml",
            lambda text: text.replace('"rich>=14"', '"rich>=999"'),
            "base.lock pins rich",
            id="raised-bound",
        ),
        pytest.param(
            "requirements/dev.lock",
            lambda text: re.sub(r"^rich==\S+", "rich==1.0", text, flags=re.MULTILINE),
            "base.lock and dev.lock disagree about rich",
            id="two-versions",
        ),
        pytest.param(
            "requirements/base.lock",
            lambda text: re.sub(
                r"^(rich==\S+)( \\\n    --hash=\S+)+", r"\1", text, flags=re.MULTILINE
            ),
            "rich has no hash",
            id="no-hash",
        ),
        pytest.param(
            "requirements/base.lock",
            lambda text: f"--index-url https://packages.example/simple\n{text}",
            "holds an address",
            id="address",
        ),
        pytest.param(
            "requirements/base.lock",
            lambda text: text.replace("rich==", "rich>="),
            "rich is not pinned",
            id="not-pinned",
        ),
        pytest.param(
            "requirements/base.lock",
            lambda text: f"--pre\n{text}",
            "neither a package nor a hash",
            id="option",
        ),
    ],
)
def test_lock_check_notices(
    checkout: Path, file: str, change: Callable[[str], str], complaint: str
) -> None:
    """Each way in which a lock file can go wrong is found and named."""
    edit(checkout / file, change)
    done = check_lock(checkout)
    assert done.returncode == 1
    assert complaint in done.stdout


def test_make_lists_every_target() -> None:
    """`make help` explains every target of the Makefile."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    done = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert re.findall(r"^  make (\w+) +\S", done.stdout, re.MULTILINE) == targets.split()


def fake_python(folder: Path, name: str, script: str) -> None:
    """An executable that stands in for a Python on the PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make_venv(folder: Path, *asked: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing but the folder's programs on the PATH."""
    return subprocess.run(
        ["/bin/sh", REPOSITORY / "tools/make_venv.sh", folder / "venv", *asked],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_newest_suitable_python_is_found_behind_old_ones(tmp_path: Path) -> None:
    """An old python3 and a launcher without its version are passed over for one that works."""
    fake_python(tmp_path, "python3", "exit 1")
    fake_python(tmp_path, "python3.11", "exit 127")
    fake_python(tmp_path, "python3.12", f'exec "{sys.executable}" "$@"')
    done = make_venv(tmp_path)
    assert done.returncode == 0, done.stderr
    assert os.access(tmp_path / "venv/bin/python", os.X_OK)


@pytest.mark.parametrize(
    ("name", "script", "asked", "message"),
    [
        ("python3", "exit 1", [], "No Python 3.11 or newer was found"),
        ("python3", "exit 1", ["python3"], "python3 is not a working Python 3.11 or newer"),
        (
            "python3.12",
            'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac',
            [],
            "apt install python3.12-venv",
        ),
    ],
    ids=["none", "asked-for-an-old-one", "without-venv"],
)
def test_missing_python_is_explained(
    tmp_path: Path, name: str, script: str, asked: list[str], message: str
) -> None:
    """Without a suitable Python, the message says what is missing and what to do."""
    fake_python(tmp_path, name, script)
    done = make_venv(tmp_path, *asked)
    assert done.returncode == 1
    assert message in done.stderr
