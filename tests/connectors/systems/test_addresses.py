"""No address that an operator or a name server could slip us leads inside."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from connectors.systems.addresses import (
    AddressGuard,
    RequestForbidden,
    is_never_called,
    is_public,
    refuse_private,
)

IPV4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "127.0.0.1",
    "127.0.0.2",
    "127.127.127.127",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.169.253",
    "169.254.170.2",
    "172.16.0.1",
    "172.17.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.254",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
]
# The same places, as the C library reads them and many filters do not.
SPELLINGS = [
    "127.1",
    "127.0.1",
    "0",
    "0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "127.0x1",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.43518",
    "0251.0376.0251.0376",
    "0251.254.169.254",
    "10.1",
    "0xa.1",
    "012.1",
    "3232235521",
    "0xc0a80001",
    "192.168.1",
    "2886729729",
    "0xa83f8110",
    "168.4161808",
]
IPV6 = [
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::169.254.169.254",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.168.1.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "::ffff:0:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff::7f00:1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:a00:1::",
    "2002:c0a8:101::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::1",
    "ff02::1",
    "ff05::2",
    "0:0:0:0:0:0:0:1",
    "0:0:0:0:0:ffff:7f00:0001",
]
NAMES = ["localhost", "LOCALHOST", "localhost."]
URLS = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_PING",
    "//example.com/",
    "example.com",
    "https://",
    "https:///path",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com:22/",
    "https://example.com:6379/",
    "https://example.com:80/",
    "https://example.com:99999/",
    "https://[::1",
    "https://exa mple.com/",
    "https://\x00example.com/",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "",
]
HOSTILE = (
    [f"https://{host}/" for host in (*IPV4, *SPELLINGS, *NAMES)]
    + [f"https://[{host}]/" for host in IPV6]
    + ["https://127。0。0。1/", "https://①②⑦.0.0.1/", "https://[fe80::1%25eth0]/"]
    + URLS
)


def test_the_table_is_long() -> None:
    assert len(set(HOSTILE)) >= 120


@pytest.mark.parametrize("url", HOSTILE)
def test_refuses_a_hostile_target(url: str) -> None:
    with pytest.raises(RequestForbidden):
        refuse_private(url)


@pytest.mark.parametrize("address", [*IPV4, *IPV6, "not an address", ""])
def test_calls_none_of_them_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
)
def test_passes_a_public_address(address: str) -> None:
    host = f"[{address}]" if ":" in address else address

    refuse_private(f"https://{host}/")
    refuse_private(f"https://{host}:8443/")
    assert is_public(address)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1:9101", "http://127.0.0.1:9101"),
        ("127.0.0.1:*", "http://127.0.0.1:9102/x"),
        ("10.1.2.3:443", "https://10.1.2.3/"),
        ("[::1]:9101", "http://[::1]:9101/"),
    ],
)
def test_passes_a_private_host_that_the_deployment_names(allowed: str, url: str) -> None:
    refuse_private(url, allowed_hosts=frozenset({allowed}))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9102", "http://127.0.0.2:9101"])
def test_a_named_host_names_only_itself(url: str) -> None:
    with pytest.raises(RequestForbidden):
        refuse_private(url, allowed_hosts=frozenset({"127.0.0.1:9101"}))


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "168.63.129.16", "[fd00:ec2::254]", "[fe80::1]", "192.0.0.192"]
)
def test_never_calls_the_doors_of_the_machine_even_if_named(host: str) -> None:
    with pytest.raises(RequestForbidden):
        refuse_private(f"http://{host}:80/", allowed_hosts=frozenset({f"{host}:80"}))
    assert is_never_called("::ffff:169.254.169.254")


def answer(*addresses: str) -> Any:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    return getaddrinfo


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("8.8.8.8", "::ffff:127.0.0.1")]
)
def test_refuses_a_name_of_which_any_address_is_private(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer(*addresses))

    with pytest.raises(RequestForbidden, match="not a public address"):
        refuse_private("https://shop.example.com/")


def test_says_which_address_a_name_led_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer("10.0.0.1"))

    with pytest.raises(RequestForbidden) as caught:
        AddressGuard().resolve("shop.example.com", 443)

    assert str(caught.value) == (
        "shop.example.com leads to 10.0.0.1, which is not a public address."
    )


def test_refuses_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(RequestForbidden, match="not known"):
        refuse_private("https://nowhere.example.com/")
