"""How is Amazon asked? REST with an hour's token from Login with Amazon; feeds in four steps.

Refusals list `errors[]` with a code and a message. A token that has run out answers 403, not 401.
Feed documents lie at addresses of their own that need no token and live five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from connectors.systems.base import Account
from connectors.systems.http import (
    Answer,
    AnswerLost,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteUnavailable,
    call_elsewhere,
)
from connectors.systems.tokens import Tokens

TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address, not a secret
LISTINGS = "/listings/2021-08-01/items"
FEEDS = "/feeds/2021-06-30"
FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"


@dataclass(frozen=True)
class Seller:
    """One seller's account in one marketplace."""

    http: HttpClient
    account: Account
    trace_id: str = ""

    @property
    def seller_id(self) -> str:
        return self._setting("seller_id", "the merchant token of the seller account")

    @property
    def marketplace_id(self) -> str:
        return self._setting("marketplace_id", "e.g. A1PA6795UKMFR9 for Amazon.de")

    def patch(self, sku: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a listing; returns the submission: its status, id and issues."""
        where = {"marketplaceIds": self.marketplace_id}
        answer = self._call("PATCH", self._listing(sku), json_body=body, params=where)
        if not isinstance(answer.body, dict) or "status" not in answer.body:
            raise AnswerLost("Amazon's answer does not say whether it took the change.")
        return answer.body

    def listing(self, sku: str) -> dict[str, Any] | None:
        """The listing with what it offers, or None when the seller lists no such SKU."""
        asked = {
            "marketplaceIds": self.marketplace_id,
            "includedData": "summaries,fulfillmentAvailability",
        }
        try:
            answer = self._call("GET", self._listing(sku), is_write=False, params=asked)
        except RemoteRejected as error:
            if error.context.get("status") == 404:
                return None
            raise
        return _object(answer)

    def submit_feed(self, document: Mapping[str, Any]) -> str:
        """Upload a document and have it worked through. Returns the feed's id."""
        asked = {"contentType": CONTENT_TYPE}
        made = _object(self._call("POST", f"{FEEDS}/documents", is_write=False, json_body=asked))
        with_type = {"Content-Type": CONTENT_TYPE}
        call_elsewhere(
            self.http, "PUT", str(made.get("url")), json_body=document, headers=with_type
        )
        feed = {
            "feedType": FEED_TYPE,
            "marketplaceIds": [self.marketplace_id],
            "inputFeedDocumentId": made.get("feedDocumentId"),
        }
        answer = self._call("POST", f"{FEEDS}/feeds", json_body=feed)
        feed_id = answer.body.get("feedId") if isinstance(answer.body, dict) else None
        if not feed_id:
            raise AnswerLost("Amazon's answer does not name the feed.")
        return str(feed_id)

    def feed(self, feed_id: str) -> dict[str, Any]:
        """How far a feed is."""
        return _object(
            self._call("GET", f"{FEEDS}/feeds/{quote(feed_id, safe='')}", is_write=False)
        )

    def report(self, document_id: str) -> dict[str, Any]:
        """What became of each message of a feed."""
        # So that a compressed document says so in a header, and is unpacked on arrival.
        asked = {"enableContentEncodingUrlHeader": "true"}
        path = f"{FEEDS}/documents/{quote(document_id, safe='')}"
        found = _object(self._call("GET", path, is_write=False, params=asked))
        return _object(call_elsewhere(self.http, "GET", str(found.get("url"))))

    def probe(self) -> Sequence[tuple[str, str]]:
        """That we may sign in, and see the seller's listings."""
        self._tokens.renew()
        asked = {"marketplaceIds": self.marketplace_id, "pageSize": "1"}
        path = f"{LISTINGS}/{quote(self.seller_id, safe='')}"
        page = _object(self._call("GET", path, is_write=False, params=asked))
        return [
            ("Sign-in", "a token was given"),
            ("Listings", f"{page.get('numberOfResults')} in {self.marketplace_id}"),
        ]

    def _setting(self, name: str, what: str) -> str:
        value = self.account.settings.get(name)
        if not value:
            raise RemoteRejected(f"The connection lacks the setting {name}: {what}.")
        return str(value)

    def _listing(self, sku: str) -> str:
        return f"{LISTINGS}/{quote(self.seller_id, safe='')}/{quote(sku, safe='')}"

    @property
    def _tokens(self) -> Tokens:
        secrets = self.account.secrets
        form = {
            "grant_type": "refresh_token",
            "refresh_token": secrets.get("refresh_token", ""),
            "client_id": secrets.get("client_id", ""),
            "client_secret": secrets.get("client_secret", ""),
        }
        url = str(self.account.settings.get("token_url") or TOKEN_URL)
        ended = "the app's keys or the seller's permission have ended"
        return Tokens(self.http, "Amazon", url, form, ended)

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        options["trace_id"] = self.trace_id

        def call(token: str) -> Answer:
            headers = {"x-amz-access-token": token}
            try:
                return self.http.call(method, path, headers=headers, **options)
            except RemoteRejected as error:
                _raise_named(error)

        return self._tokens.signed(call)


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.body, dict):
        raise RemoteUnavailable("Amazon's answer is not an object.")
    return answer.body


def _raise_named(error: RemoteRejected) -> NoReturn:
    """The same refusal in Amazon's own words; a token that is not taken is a sign-in refused."""
    body = error.context.get("body")
    listed = body.get("errors") if isinstance(body, dict) else None
    errors = [e for e in (listed if isinstance(listed, list) else []) if isinstance(e, dict)]
    said = "; ".join(str(e.get("message")) for e in errors)
    if error.context.get("status") == 403:
        raise CredentialsRejected(
            f"Amazon denies access: {said}"[:500], status=403, answer=error.context.get("answer")
        ) from error
    if not errors:
        raise error
    codes = [str(e.get("code")) for e in errors]
    raise RemoteRejected(f"Amazon refused: {said}"[:500], **error.context, codes=codes) from error
