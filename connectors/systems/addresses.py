"""Which addresses may we call? Only public ones, over https, unless the deployment names a host.

The check is made on the addresses a name resolves to at the moment of connecting, and the
connection goes to exactly those (`network.py`): a name that changes its mind gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from retailhub.kernel.errors import NeedsOperator

PORTS = frozenset({443, 8443})

# What `is_global` lets through or does not know everywhere: addresses that carry another one
# inside, retired ranges that some routers still serve, platforms' own doors with public numbers.
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT; also the metadata service of Alibaba Cloud
        "168.63.129.16/32",  # Azure's wire server answers on every virtual machine
        "192.0.0.0/24",  # IETF protocol assignments; also the metadata service of Oracle Cloud
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.175.48.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",  # multicast and reserved
        "::/96",  # IPv4-compatible (RFC 4291 2.5.5.1)
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",  # Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",  # site-local, retired
        "ff00::/8",
    )
)
# Refused even on a host the deployment names: the machine's own credentials live there.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "fe80::/10",
        "fd00:ec2::/32",
    )
)


class RequestForbidden(NeedsOperator):
    """The address is not one we may call."""

    code = "connectors.address_refused"


@dataclass(frozen=True)
class AddressGuard:
    """One deployment's rule. `allowed_hosts` (`host:port`, `host:*`) may be private and http."""

    allowed_hosts: frozenset[str] = frozenset()

    def check(self, url: str) -> None:
        """Refuse a URL by its looks: scheme, sign-in, host, port. Raises `RequestForbidden`."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            raise RequestForbidden(f"{url[:100]!r} is not an address we can call.") from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise RequestForbidden(f"{url[:100]!r} is not an https address.")
        if parsed.userinfo:
            raise RequestForbidden("An address must not carry a user name or password.")
        port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
        if self._names(parsed.host, port):
            return
        if parsed.scheme != "https":
            raise RequestForbidden(f"{parsed.host} must be called over https.")
        if port not in PORTS:
            raise RequestForbidden(f"Port {port} of {parsed.host} is not one we call.")

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses a connection may go to. Raises `RequestForbidden` if any is not public.

        Raises `OSError` when the name does not resolve.
        """
        is_named = self._names(host, port)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if is_never_called(address) or not (is_named or is_public(address)):
                raise RequestForbidden(f"{host} leads to {address}, which is not a public address.")
        return addresses

    def _names(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return not self.allowed_hosts.isdisjoint({f"{shown}:{port}", f"{shown}:*"})


def refuse_private(url: str, *, allowed_hosts: frozenset[str] = frozenset()) -> None:
    """Refuse a URL that leads anywhere but to a public https address, as it resolves now.

    For forms and probes: says early what the connection itself would refuse again. Raises
    `RequestForbidden`.
    """
    guard = AddressGuard(allowed_hosts)
    guard.check(url)
    parsed = httpx.URL(url)
    try:
        guard.resolve(parsed.host, parsed.port or {"http": 80, "https": 443}[parsed.scheme])
    except (OSError, UnicodeError) as error:
        raise RequestForbidden(f"{parsed.host} is not known to any name server.") from error


def is_public(address: str) -> bool:
    """True for an address anybody on the internet could reach."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_global and not _in(parsed, _REFUSED)


def is_never_called(address: str) -> bool:
    """True for the doors that hand out a machine's own credentials."""
    parsed = _parsed(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed is None or _in(mapped or parsed, _NEVER)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _parsed(address: str) -> _Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _in(address: _Address, networks: Sequence[_Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
