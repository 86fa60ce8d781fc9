"""A Valkey (or Redis) of our own, reached through one socket."""

from pathlib import Path

import redis

from retailhub.local.keeper import Keeper, Kept
from retailhub.local.place import Place
from retailhub.local.programs import redis_server


def start_valkey(keeper: Keeper, place: Place, *, durable: bool) -> str:
    """A running server's URL."""
    home = place.data / "valkey"
    home.mkdir(exist_ok=True)
    socket = place.run / "valkey.sock"
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(home),
        "save": "",
        "appendonly": "yes" if durable else "no",
        "loglevel": "warning",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    log = place.data / "valkey.log"
    keeper.keep(Kept(name="valkey", command=[str(redis_server()), *options], log=log, last=True))
    keeper.wait_until(lambda: _ready(socket))
    return f"unix://{socket}?db=0"


def _ready(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.exceptions.RedisError:
        return False
