from __future__ import annotations

import ast
from pathlib import Path

import pytest

import shopsight
from shopsight.errors import SettingsError
from shopsight.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHOPSIGHT_{name.upper()}", raising=False)


def test_defaults_keep_everything_in_one_folder() -> None:
    """Without settings, database and vectors lie in the data folder."""
    settings = load_settings()
    assert settings.data == Path("shopsight-data")
    assert Path(settings.resolved_store_uri) == Path("shopsight-data/index")
    database = Path("shopsight-data/catalog.sqlite").resolve()
    assert settings.resolved_database_url == f"sqlite:///{database}"


def test_places_can_be_set_apart(tmp_path: Path) -> None:
    """A store or database named by a setting is used instead of the data folder."""
    settings = load_settings(
        data=tmp_path, store_uri="s3://bucket/index", database_url="postgresql:///shop"
    )
    assert settings.resolved_store_uri == "s3://bucket/index"
    assert settings.resolved_database_url == "postgresql:///shop"


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, switches and lists are understood from the environment."""
    monkeypatch.setenv("SHOPSIGHT_PORT", "9000")
    monkeypatch.setenv("SHOPSIGHT_SEARCH_NEEDS_KEY", "true")
    monkeypatch.setenv("SHOPSIGHT_ALLOW_HOSTS", '["images.internal", "cdn.internal"]')
    settings = load_settings()
    assert settings.port == 9000
    assert settings.search_needs_key is True
    assert settings.allow_hosts == ["images.internal", "cdn.internal"]


def test_command_line_wins_over_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option given counts; one not given (None) leaves the environment's value."""
    monkeypatch.setenv("SHOPSIGHT_PORT", "9000")
    monkeypatch.setenv("SHOPSIGHT_HOST", "0.0.0.0")
    settings = load_settings(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "70000"), ("port", "eighty"), ("metric", "dot"), ("fetch_retries", "-1")],
)
def test_bad_value_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value out of range or of the wrong kind is refused with the variable's name."""
    monkeypatch.setenv(f"SHOPSIGHT_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"SHOPSIGHT_{name.upper()}") as caught:
        load_settings()
    assert caught.value.__cause__ is not None


def test_list_that_is_no_json_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare host name where a JSON list belongs is refused with the variable's name."""
    monkeypatch.setenv("SHOPSIGHT_ALLOW_HOSTS", "images.internal")
    with pytest.raises(SettingsError, match="SHOPSIGHT_ALLOW_HOSTS"):
        load_settings()


def test_unknown_setting_is_refused() -> None:
    """A misspelt setting is an error, not silently ignored."""
    with pytest.raises(SettingsError, match="prot"):
        load_settings(prot=80)


def test_settings_cannot_be_changed() -> None:
    """Parts that share settings cannot change them for each other."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]  # that is the point


def test_only_settings_read_the_environment() -> None:
    """No other module looks at environment variables."""
    package = Path(shopsight.__file__).parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv"})
    }
    assert readers == set()


def test_every_setting_says_what_it_is() -> None:
    """Each setting carries the sentence that documents it."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
