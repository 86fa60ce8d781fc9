"""Which servers are started."""

from pathlib import Path

import pytest

from retailhub.local import programs


def postgres(directory: Path, version: str) -> Path:
    """A directory that claims to hold a PostgreSQL."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (directory / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (directory / name).chmod(0o755)
    return directory


def test_the_named_postgres_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = postgres(tmp_path / "named", "15.18 (Debian)")
    monkeypatch.setenv("RETAILHUB_PG_BIN", str(named))

    assert programs.postgres_directory() == named
    assert programs.postgres_version(named) == 15


def test_a_postgres_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAILHUB_PG_BIN", str(postgres(tmp_path / "old", "14.9")))

    with pytest.raises(programs.Unusable, match="holds PostgreSQL 14; 15 is the oldest"):
        programs.postgres_directory()


def test_the_wheel_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = postgres(tmp_path / "path", "17.1")
    monkeypatch.delenv("RETAILHUB_PG_BIN", raising=False)
    monkeypatch.setenv("PATH", str(on_path))
    assert programs.postgres_directory() != on_path

    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    assert programs.postgres_directory() == on_path


def test_a_named_redis_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAILHUB_REDIS_SERVER", "no-such-server")

    with pytest.raises(programs.Unusable, match="names no-such-server, which cannot be run"):
        programs.redis_server()


def test_says_what_would_help_when_there_is_no_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETAILHUB_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "find_spec", lambda name: None)

    with pytest.raises(programs.Unusable, match="make setup"):
        programs.redis_server()
