"""Serves the whole product: migrated, filled, every process of the Procfile kept."""

import http.client
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from retailhub.local.keeper import Keeper, Kept, say
from retailhub.local.place import Place
from retailhub.local.programs import Unusable

PORTS = 20
SANDBOX = {
    "SANDBOX_SHOP_PORT": 9101,
    "SANDBOX_ERP_PORT": 9102,
    "SANDBOX_WMS_PORT": 9103,
    "SANDBOX_MARKET_PORT": 9104,
}
# Celery says this in six lines for each worker; on this machine root is who started us.
AS_ROOT = "ignore:You're running the worker with superuser privileges"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@dataclass(frozen=True)
class Address:
    """Where the web process listens."""

    host: str
    port: int

    @property
    def visible_host(self) -> str:
        """The host by which this machine's own browser finds us."""
        return EVERYWHERE.get(self.host, self.host)

    def __str__(self) -> str:
        host = f"[{self.visible_host}]" if ":" in self.visible_host else self.visible_host
        return f"http://{host}:{self.port}"


class Ports:
    """Ports that are ours while we run, even before anything of ours listens on them."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def claim(self, host: str, first: int) -> int:
        """The first port from `first` upward that is free."""
        for port in range(first, first + PORTS):
            if self._try(host, port):
                return port
        raise Unusable(f"Ports {first} to {first + PORTS - 1} of {host} are all taken.")

    def release(self) -> None:
        for claim in self._claims:
            claim.close()

    def _try(self, host: str, port: int) -> bool:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Who starts at the same moment sees the claim: a UDP port of the same number. It is free
        # again as soon as we are gone, which a TCP port is not.
        claim = socket.socket(family, socket.SOCK_DGRAM)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                claim.bind((host, port))
                probe.bind((host, port))
            except OSError:
                claim.close()
                return False
        self._claims.append(claim)
        return True


def web_address(environment: Mapping[str, str], ports: Ports) -> Address:
    """HOST, and the first free port from PORT upward."""
    host = environment.get("HOST") or "127.0.0.1"
    return Address(host, ports.claim(host, int(environment.get("PORT") or 8000)))


def sandbox_ports(environment: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """A port for each simulated system: its own or, where that is taken, one nearby."""
    return {
        name: str(ports.claim("127.0.0.1", int(environment.get(name) or usual)))
        for name, usual in SANDBOX.items()
    }


def serve(
    keeper: Keeper, place: Place, environment: Mapping[str, str], root: Path, address: Address
) -> int:
    """Returns when asked to stop, or with the exit code of a preparation that failed."""
    welcome = place.data / "welcome.txt"
    manage = [sys.executable, "manage.py"]
    with welcome.open("w") as output:
        for step in (["migrate", "--no-input", "--verbosity", "0"], ["demo"]):
            if (code := keeper.run([*manage, *step], environment, output)) or keeper.stopping:
                return code
    for name, command in processes((root / "Procfile").read_text()):
        keeper.keep(Kept(name, ["/bin/sh", "-c", f"exec {command}"], environment))
    keeper.wait_until(lambda: _is_healthy(address))
    if not keeper.stopping:
        line = "─" * 72
        told = welcome.read_text().strip()
        say(f"\n{line}\nRetailHub is ready: {address}\n\n{told}\n\nCtrl-C stops it.\n{line}\n\n")
    keeper.wait_until(lambda: False)
    return 0


def processes(procfile: str) -> Iterator[tuple[str, str]]:
    """Name and command of each process in a Procfile."""
    for line in procfile.splitlines():
        if line.strip() and not line.startswith("#"):
            name, command = line.split(":", 1)
            yield name.strip(), command.strip()


def environment_for(address: Address, place: Place) -> dict[str, str]:
    """What each process of the product is told, besides where its servers are."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        "HOST": address.host,
        "PORT": str(address.port),
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), AS_ROOT])),
        "RETAILHUB_DATA": str(place.data),
        "SANDBOX_DATA": str(place.data / "sandbox"),
        "HUB_URL": str(address),
    }


def _is_healthy(address: Address) -> bool:
    connection = http.client.HTTPConnection(address.visible_host, address.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
