"""Check without a network that the lock files are in step with pyproject.toml and with each other.

Usage: python tools/check_lock.py [REPOSITORY]. Prints what is wrong, a line each, and exits with 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

LOCKS = ("base", "build", "dev")
ENTRY = re.compile(r"^(?P<requirement>[^\s#-].*?)(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)$")

Pins = dict[str, dict[str, str]]
"""Package -> environment marker (empty: everywhere) -> version."""


def read_lock(text: str, name: str) -> tuple[Pins, list[str]]:
    """Pinned packages of a lock file, and what is wrong with it as such.

    Args:
        text: Content of the file.
        name: What to call it in messages.
    """
    pins: Pins = defaultdict(dict)
    problems = []
    if "http:" in text or "https:" in text or "file:" in text:
        problems.append(f"{name} holds an address; packages are named by version and hash only")
    for line in text.replace("\\\n", " ").splitlines():
        entry = ENTRY.match(line.strip())
        if not line.strip():
            continue
        if entry is None:
            problems.append(f"{name}: {line.strip()[:60]!r} is neither a package nor a hash")
            continue
        try:
            requirement = Requirement(entry["requirement"])
        except InvalidRequirement:
            problems.append(f"{name}: {entry['requirement'][:60]!r} is no requirement")
            continue
        versions = [each.version for each in requirement.specifier if each.operator == "=="]
        if len(versions) != 1 or len(requirement.specifier) != 1:
            problems.append(f"{name}: {requirement.name} is not pinned with ==")
            continue
        if not entry["hashes"]:
            problems.append(f"{name}: {requirement.name} has no hash")
        pins[canonicalize_name(requirement.name)][str(requirement.marker or "")] = versions[0]
    return pins, problems


def unmet(requirements: Iterable[str], pins: Pins, name: str) -> list[str]:
    """Requirements that a lock file does not fulfil, as messages."""
    problems = []
    for requirement in map(Requirement, requirements):
        versions = pins.get(canonicalize_name(requirement.name), {})
        if not versions:
            problems.append(f"{name} lacks {requirement.name}: run `make lock`")
        problems += [
            f"{name} pins {requirement.name} {version}, not {requirement.specifier}: `make lock`"
            for version in versions.values()
            if not requirement.specifier.contains(version, prereleases=True)
        ]
    return problems


def group(project: dict[str, Any], name: str) -> list[str]:
    """Requirements of a dependency group, with the groups it includes."""
    found: list[str] = []
    for item in project["dependency-groups"][name]:
        found += [item] if isinstance(item, str) else group(project, item["include-group"])
    return found


def check(repository: Path) -> list[str]:
    """Everything that is wrong with the lock files of a repository, as messages."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    pins: dict[str, Pins] = {}
    problems: list[str] = []
    for name in LOCKS:
        text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
        pins[name], wrong = read_lock(text, f"{name}.lock")
        problems += wrong
    needed = project["project"]["dependencies"]
    build = [*group(project, "build"), *project["build-system"]["requires"]]
    problems += unmet(needed, pins["base"], "base.lock")
    problems += unmet(build, pins["build"], "build.lock")
    problems += unmet([*needed, *build, *group(project, "dev")], pins["dev"], "dev.lock")
    # One environment serves `make demo` and `make test`: the locks must agree.
    problems += [
        f"{name}.lock and dev.lock disagree about {package}: run `make lock`"
        for name in ("base", "build")
        for package, versions in pins[name].items()
        if versions != pins["dev"].get(package)
    ]
    return problems


def main() -> int:
    """Command line."""
    repository = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = check(repository)
    print("\n".join(problems) if problems else "The lock files are in step with pyproject.toml.")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
