"""How is NetSuite asked? REST records with a bearer token that lives an hour.

Answers of a write have no body; the record's id is the end of `Location`. Refusals list
`o:errorDetails` with a code, a sentence and a path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from connectors.systems.base import Account
from connectors.systems.http import (
    Answer,
    AnswerLost,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)
from connectors.systems.tokens import Tokens

RECORD = "/services/rest/record/v1"
TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - an address, not a secret
_LIMIT_CODES = frozenset({"CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"})


@dataclass(frozen=True)
class Refusal:
    """One entry of o:errorDetails."""

    code: str
    detail: str
    path: str


@dataclass(frozen=True)
class NetSuiteApi:
    """One NetSuite account."""

    http: HttpClient
    account: Account
    trace_id: str = ""

    def upsert(self, kind: str, external_id: str, record: Mapping[str, Any]) -> str:
        """Create or replace the record with our external id. Returns NetSuite's id."""
        return _id_of(self._call("PUT", _place(kind, external_id), json_body=record))

    def change(self, kind: str, external_id: str, record: Mapping[str, Any]) -> str:
        """Change the named fields of the record with our external id. Returns NetSuite's id."""
        return _id_of(self._call("PATCH", _place(kind, external_id), json_body=record))

    def fulfill(self, order_reference: str, record: Mapping[str, Any]) -> str:
        """Turn a sales order into an item fulfilment. Returns NetSuite's id."""
        place = f"{_place('salesOrder', order_reference)}/!transform/itemFulfillment"
        return _id_of(self._call("POST", place, json_body=record))

    def find(self, kind: str, external_id: str) -> dict[str, Any] | None:
        """The record with our external id, lines included, or None."""
        params = {"expandSubResources": "true"}
        try:
            answer = self._call("GET", _place(kind, external_id), is_write=False, params=params)
        except RemoteRejected as error:
            if error.context.get("status") == 404:
                return None
            raise
        if not isinstance(answer.body, dict):
            raise RemoteUnavailable("NetSuite's record is not one.")
        return answer.body

    def probe(self) -> Sequence[tuple[str, str]]:
        """That we may sign in and read sales orders."""
        self._tokens.renew()
        params = {"limit": "1"}
        page = self._call("GET", f"{RECORD}/salesOrder", is_write=False, params=params).body
        total = page.get("totalResults") if isinstance(page, dict) else None
        return [("Sign-in", "a token was given"), ("Sales orders", f"{total} readable")]

    @property
    def _tokens(self) -> Tokens:
        secrets = self.account.secrets
        form = {
            "grant_type": "client_credentials",
            "client_id": secrets.get("client_id", ""),
            "client_secret": secrets.get("client_secret", ""),
        }
        return Tokens(self.http, "NetSuite", TOKEN_PATH, form, "the integration's keys have ended")

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        options["trace_id"] = self.trace_id

        def call(token: str) -> Answer:
            headers = {"Authorization": f"Bearer {token}"}
            try:
                return self.http.call(method, path, headers=headers, **options)
            except RemoteRejected as error:
                _raise_named(error)

        return self._tokens.signed(call)


def _place(kind: str, external_id: str) -> str:
    return f"{RECORD}/{kind}/eid:{quote(external_id, safe='')}"


def _id_of(answer: Answer) -> str:
    found = re.search(r"/(\d+)/?$", answer.headers.get("location", ""))
    if found is None:
        raise AnswerLost("NetSuite's answer does not say where the record is.")
    return found[1]


def refusals(error: RemoteRejected) -> list[Refusal]:
    """What NetSuite listed as wrong, first things first."""
    body = error.context.get("body")
    listed = body.get("o:errorDetails") if isinstance(body, dict) else None
    return [
        Refusal(
            code=str(entry.get("o:errorCode") or ""),
            detail=str(entry.get("detail") or ""),
            path=str(entry.get("o:errorPath") or ""),
        )
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]


def _raise_named(error: RemoteRejected) -> NoReturn:
    """The same refusal in NetSuite's own words, or `RemoteThrottled` for a limit told as 400."""
    listed = refusals(error)
    if not listed:
        raise error
    codes = [entry.code for entry in listed]
    if _LIMIT_CODES & set(codes):
        raise RemoteThrottled("NetSuite asks us to slow down.") from error
    said = "; ".join(entry.detail.removeprefix(_PREAMBLE) for entry in listed)
    raise RemoteRejected(f"NetSuite refused: {said}"[:500], **error.context, codes=codes) from error


_PREAMBLE = "Error while accessing a resource. "
