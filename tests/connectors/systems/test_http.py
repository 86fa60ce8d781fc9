"""Every answer is good, later, unknown or no; and the socket goes only where it may."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connectors.systems.addresses import AddressGuard
from connectors.systems.base import Account
from connectors.systems.http import (
    MAX_ANSWER_BYTES,
    AnswerLost,
    AnswerTooLarge,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
    RequestForbidden,
    retry_after,
)
from tests.connectors.systems.remote import Remote, Scripted

WRITE, READ = True, False


def test_a_good_answer_keeps_every_digit(remote: Remote, http: HttpClient) -> None:
    remote.will_answer(Scripted(200, b'{"rate": 0.1000000000000000055, "id": 9120000000000017}'))

    answer = http.read("/x", params={"a": "1 & 2"}, trace_id="a-trace", headers={"X-Key": "k"})

    assert answer.body == {"rate": "0.1000000000000000055", "id": 9120000000000017}
    assert answer.content == b'{"rate": 0.1000000000000000055, "id": 9120000000000017}'
    asked = remote.asked[0]
    assert (asked.method, asked.path, asked.query) == ("GET", "/x", {"a": "1 & 2"})
    assert (asked.headers["x-trace-id"], asked.headers["x-key"]) == ("a-trace", "k")


def test_an_answer_without_a_body_is_good(remote: Remote, http: HttpClient) -> None:
    remote.will_answer(Scripted(204, None, {"Location": "/record/7"}))

    answer = http.call("PUT", "/record", json_body={"total": "1.10"})

    assert (answer.status, answer.body, answer.headers["location"]) == (204, None, "/record/7")
    assert remote.asked[0].json == {"total": "1.10"}


@pytest.mark.parametrize(
    ("answer", "is_write", "meaning"),
    [
        (Scripted(429), WRITE, RemoteThrottled),
        (Scripted(429), READ, RemoteThrottled),
        (Scripted(401), WRITE, CredentialsRejected),
        (Scripted(401), READ, CredentialsRejected),
        (Scripted(500), WRITE, AnswerLost),
        (Scripted(500), READ, RemoteUnavailable),
        (Scripted(503), WRITE, AnswerLost),
        (Scripted(504), WRITE, AnswerLost),
        (Scripted(408), WRITE, AnswerLost),
        (Scripted(408), READ, RemoteUnavailable),
        (Scripted(drops=True), WRITE, AnswerLost),
        (Scripted(drops=True), READ, RemoteUnavailable),
        (Scripted(200, b'{"id": 1'), WRITE, AnswerLost),
        (Scripted(200, b'{"id": 1'), READ, RemoteUnavailable),
        (Scripted(200, b"<html>"), WRITE, AnswerLost),
        (Scripted(200, b'{"id": NaN}'), READ, RemoteUnavailable),
        (Scripted(200, b"[" * 100_000), READ, RemoteUnavailable),
        (Scripted(200, b"\xff\xfe\xfa"), READ, RemoteUnavailable),
        (Scripted(400), WRITE, RemoteRejected),
        (Scripted(403), READ, RemoteRejected),
        (Scripted(404), READ, RemoteRejected),
        (Scripted(409), WRITE, RemoteRejected),
        (Scripted(422), WRITE, RemoteRejected),
        (Scripted(302, None, {"Location": "http://127.0.0.1:1/"}), READ, RemoteRejected),
    ],
)
def test_an_answer_means_one_thing(
    remote: Remote, http: HttpClient, answer: Scripted, is_write: bool, meaning: type[Exception]
) -> None:
    remote.will_answer(answer)

    with pytest.raises(meaning) as caught:
        http.call("POST", "/x", is_write=is_write, json_body={})

    assert type(caught.value) is meaning
    assert len(remote.asked) == 1, "neither a redirect nor a retry was tried"


def test_a_refusal_carries_what_was_said(remote: Remote, http: HttpClient) -> None:
    remote.will_answer(Scripted(422, {"error": {"code": "invalid"}}))

    with pytest.raises(RemoteRejected) as caught:
        http.call("POST", "/x", json_body={})

    assert caught.value.context == {
        "status": 422,
        "answer": '{"error": {"code": "invalid"}}',
        "body": {"error": {"code": "invalid"}},
    }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("999999", 3600.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", 3600.0),
    ],
)
def test_waits_as_long_as_the_vendor_asks(header: str, expected: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"Retry-After": header})) == expected


def test_waits_until_the_date_the_vendor_names() -> None:
    named = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    wait = retry_after(httpx.Response(503, headers={"Retry-After": named}))

    assert wait is not None
    assert 85 <= wait <= 90


def test_nobody_at_the_door_means_surely_not_applied(http: HttpClient, remote: Remote) -> None:
    remote.close()

    with pytest.raises(RemoteUnavailable, match="can't be reached"):
        http.call("POST", "/x", json_body={})


def test_a_drip_ends_at_the_deadline(remote: Remote) -> None:
    guard = AddressGuard(frozenset({"127.0.0.1:*"}))
    remote.will_answer(Scripted(200, b'"' + b"x" * 200 + b'"', drips=0.05))
    started = time.monotonic()

    with (
        closing(HttpClient(remote.url, timeout=0.5, guard=guard)) as http,
        pytest.raises(AnswerLost),
    ):
        http.call("POST", "/x", json_body={})

    assert time.monotonic() - started < 5  # of the ten that the whole answer takes


@pytest.mark.parametrize(("is_write", "meaning"), [(WRITE, AnswerLost), (READ, AnswerTooLarge)])
def test_takes_in_only_so_much(
    remote: Remote, http: HttpClient, is_write: bool, meaning: type[Exception]
) -> None:
    remote.will_answer(Scripted(200, b'"' + b"x" * MAX_ANSWER_BYTES + b'"'))

    with pytest.raises(meaning):
        http.call("POST", "/x", is_write=is_write, json_body={})


@pytest.mark.parametrize("path", ["https://elsewhere.example/x", "//elsewhere.example/x", "x"])
def test_never_takes_its_credentials_elsewhere(remote: Remote, http: HttpClient, path: str) -> None:
    with pytest.raises(RequestForbidden):
        http.read(path, headers={"Authorization": "Bearer x"})

    assert not remote.asked


@pytest.mark.parametrize("value", ["line\r\nbreak", "ключ", "\x00"])
def test_a_header_that_cannot_be_written_is_refused_not_lost(
    remote: Remote, http: HttpClient, value: str
) -> None:
    with pytest.raises(RemoteRejected, match="can't be written"):
        http.call("POST", "/x", headers={"Authorization": value})

    assert not remote.asked


def test_by_default_calls_nothing_private(remote: Remote) -> None:
    with pytest.raises(RequestForbidden):
        HttpClient(remote.url).read("/x")
    with pytest.raises(RequestForbidden):
        HttpClient(f"https://127.0.0.1:{443}").read("/x")

    assert not remote.asked


def test_a_name_that_changes_its_mind_gains_nothing(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Public when a form was saved, private when the connection is opened.
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    guard = AddressGuard()
    assert guard.resolve("shop.example.com", 443) == ["93.184.216.34"]

    http = HttpClient("https://shop.example.com", guard=guard)
    with closing(http), pytest.raises(RequestForbidden, match=r"leads to 127\.0\.0\.1"):
        http.read("/x")


def test_the_connection_goes_to_the_address_that_was_checked(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "erp.internal" else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    guard = AddressGuard(frozenset({f"erp.internal:{remote.port}"}))
    remote.will_answer(Scripted(200, {}))

    with closing(HttpClient(f"http://erp.internal:{remote.port}", guard=guard)) as http:
        http.read("/x")

    assert asked.count("erp.internal") == 1, "the name is asked once; then its address is called"
    assert remote.asked[0].headers["host"] == f"erp.internal:{remote.port}"


def test_secrets_are_not_shown(http: HttpClient, account: Account) -> None:
    http.tokens["erp"] = ("a-bearer-token", 0.0)

    assert "a-bearer-token" not in repr(http)
    assert "a-secret" not in repr(account)


def test_a_proxy_of_the_environment_is_not_used(
    remote: Remote, http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    remote.will_answer(Scripted(200, {}))

    assert http.read("/x").status == 200
