"""The one HTTP client, and the only place that reads a status code.

Every answer is one of four things: good, "later" (surely not applied), "unknown" (a write whose
answer was lost) or "no" (a person must look).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx

from connectors.systems.addresses import AddressGuard, RequestForbidden
from connectors.systems.network import deadline_in, guarded_transport
from retailhub.kernel.errors import NeedsOperator, OutcomeUnknown, RetryLater
from retailhub.kernel.trace import HEADER as TRACE_HEADER

__all__ = [
    "Answer",
    "AnswerLost",
    "AnswerTooLarge",
    "CredentialsRejected",
    "HttpClient",
    "RemoteRejected",
    "RemoteThrottled",
    "RemoteUnavailable",
    "RequestForbidden",
]

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_RETRY_AFTER = 3600.0
LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30)


class RemoteUnavailable(RetryLater):
    """The system is not answering; nothing was applied."""

    code = "connectors.remote_unavailable"


class AnswerTooLarge(RemoteUnavailable):
    """A read brought more than we take in. Ask for less."""


class RemoteThrottled(RetryLater):
    """The system asked us to slow down. Does not use up an attempt."""

    code = "connectors.throttled"


class AnswerLost(OutcomeUnknown):
    """A write was sent and its answer did not come back, or said nothing we can trust."""

    code = "connectors.outcome_unknown"


class RemoteRejected(NeedsOperator):
    """The system understood and refused. Sending the same again gives the same.

    `context` holds `status`, the `answer`'s text and its JSON `body` where there was one.
    """

    code = "connectors.rejected"


class CredentialsRejected(NeedsOperator):
    """Sign-in failed. Everything on this connection would fail alike, so it is paused."""

    code = "connectors.credentials_rejected"


@dataclass(frozen=True)
class Answer:
    """A good answer: status, headers in lower case, JSON body (None when empty) and its very bytes.

    Numbers with a fraction are kept as text in `body`, so that no digit is lost.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    content: bytes = b""


@dataclass
class HttpClient:
    """A keep-alive client for one connection. `timeout` is wall clock for the whole call, seconds.

    `guard` decides when a connection is opened which addresses may be called; by default only
    public ones over https. Redirects are never followed, proxies of the environment never used.
    """

    base_url: str
    timeout: float = 20.0
    guard: AddressGuard = field(default_factory=AddressGuard)
    # where it was given -> (token, when it ends)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)

    @cached_property
    def _client(self) -> httpx.Client:
        # Made by the first call, so that a refused address fails the call, not its preparation.
        self.guard.check(self.base_url)
        return httpx.Client(
            base_url=self.base_url,
            timeout=httpx.Timeout(self.timeout, connect=min(5.0, self.timeout)),
            follow_redirects=False,
            trust_env=False,
            transport=guarded_transport(self.guard, LIMITS),
        )

    def close(self) -> None:
        """Let go of the sockets."""
        if "_client" in vars(self):
            self._client.close()

    def read(self, path: str, **options: Any) -> Answer:
        """GET. A lost answer is just "later": reading twice harms nobody."""
        return self.call("GET", path, is_write=False, **options)

    def call(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        is_write: bool = True,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str | Sequence[str]] | None = None,
        trace_id: str = "",
        data: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call, one answer. Raises by what the answer means for the effect asked for.

        `content` is JSON that is written already, to the byte that a signature covers.
        """
        if not path.startswith("/") or path.startswith("//"):
            # httpx would take it for another host, and send our credentials there.
            raise RequestForbidden(f"{path[:100]!r} is not a path on {self._host}.")
        sent = dict(headers or {})
        if trace_id:
            sent[TRACE_HEADER] = trace_id
        if json_body is not None:
            content = json.dumps(json_body, default=str, allow_nan=False).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            request = self._client.build_request(
                method, path, headers=sent, content=content, params=params, data=data
            )
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as error:
            raise _unsendable(self._host, error) from error
        return self._judge(self._send(request, is_write), is_write)

    def knock(self, path: str, *, content: bytes, headers: Mapping[str, str]) -> int:
        """POST written JSON and give back the status, whatever it is. Redirects are not followed.

        Raises `RemoteUnavailable` when there is no answer in time.
        """
        sent = {"Content-Type": "application/json", **headers}
        try:
            request = self._client.build_request("POST", path, headers=sent, content=content)
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as error:
            raise _unsendable(self._host, error) from error
        return self._send(request, is_write=False).status_code

    @property
    def _host(self) -> str:
        return httpx.URL(self.base_url).netloc.decode()

    def _send(self, request: httpx.Request, is_write: bool) -> httpx.Response:
        try:
            with deadline_in(self.timeout):
                response = self._client.send(request, stream=True)
                try:
                    response._content = self._take_in(response, is_write)
                finally:
                    response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RemoteUnavailable(
                f"{self._host} can't be reached: {type(error).__name__}"
            ) from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
            raise _unsendable(self._host, error) from error
        except httpx.HTTPError as error:
            _raise_lost(self._host, type(error).__name__, is_write)
        return response

    def _take_in(self, response: httpx.Response, is_write: bool) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size <= MAX_ANSWER_BYTES:
                continue
            if is_write:
                _raise_lost(self._host, "too large an answer", is_write)
            raise AnswerTooLarge(f"{self._host} answered with more than {MAX_ANSWER_BYTES} bytes.")
        return b"".join(chunks)

    def _judge(self, response: httpx.Response, is_write: bool) -> Answer:
        status, host, wait = response.status_code, self._host, retry_after(response)
        if status == 429:
            raise RemoteThrottled(f"{host} asks us to slow down.", after=wait)
        if status == 401:
            raise CredentialsRejected(
                f"{host} rejected our sign-in.", status=status, answer=_text(response)
            )
        if status >= 500 or status == 408:
            failure = AnswerLost if is_write else RemoteUnavailable
            raise failure(f"{host} answered {status}.", after=wait, status=status)
        if status >= 300 or status < 200:
            raise RemoteRejected(
                f"{host} refused with {status}.",
                status=status,
                answer=_text(response),
                body=_json_or_none(response),
            )
        try:
            body = _json(response)
        except (ValueError, RecursionError):
            _raise_lost(host, "an answer that is not JSON", is_write)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status, headers, body, response.content)


def call_elsewhere(http: HttpClient, method: str, url: str, **options: Any) -> Answer:
    """One call to an address other than the connection's, under the same guard and time limit.

    For what carries its own permission (a sign-in, an upload); nothing that applies an effect.
    """
    parts = urlsplit(url)
    client = HttpClient(f"{parts.scheme}://{parts.netloc}", timeout=http.timeout, guard=http.guard)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        return client.call(method, path, is_write=False, **options)
    finally:
        client.close()


def _json(response: httpx.Response) -> Any:
    if not response.content:
        return None
    return json.loads(response.content, parse_float=str, parse_constant=_refuse_constant)


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return _json(response)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _text(response: httpx.Response) -> str:
    return response.content[:2000].decode("utf-8", "replace").replace("\x00", "")


def _raise_lost(host: str, what: str, is_write: bool) -> NoReturn:
    if is_write:
        raise AnswerLost(f"The answer of {host} was lost ({what}).")
    raise RemoteUnavailable(f"{host} did not answer ({what}).")


def _unsendable(host: str, error: Exception) -> RemoteRejected:
    # Most often a credential with a line break or a code with a character no URL takes.
    return RemoteRejected(f"The request to {host} can't be written: {type(error).__name__}.")


def retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait as the vendor asks (RFC 9110 10.2.3: seconds or a date), an hour at most."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else None  # noqa: PLR0124 - NaN
