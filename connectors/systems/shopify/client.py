"""How is Shopify asked? GraphQL for effects, REST for the poll.

GraphQL answers 200 to everything; what went wrong stands in `errors[].extensions.code` and in the
`userErrors` of each mutation (https://shopify.dev/docs/api/usage/response-codes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from connectors.systems.base import ASKED_FOR, Account, Envelope, PolledMessage, PollPage
from connectors.systems.fields import parse_moment
from connectors.systems.http import (
    Answer,
    AnswerLost,
    AnswerTooLarge,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteThrottled,
    RemoteUnavailable,
)

API_VERSION = "2026-07"
# The largest page first; a page of huge orders is asked for again in smaller bites.
PAGE_SIZES = (250, 50, 5)
_NEXT_PAGE = re.compile(r'<[^>]*[?&]page_info=([^&>]+)[^>]*>\s*;\s*rel="?next"?')
_NEXT_ORDER = re.compile(r"[\s,]*(?=\{)")

SHOP_QUERY = """
query Shop { shop { name myshopifyDomain currencyCode } }
"""
SCOPES_QUERY = """
query Scopes { currentAppInstallation { accessScopes { handle } } }
"""
NEEDED_SCOPES = ("read_orders", "write_inventory", "write_merchant_managed_fulfillment_orders")


@dataclass(frozen=True)
class Shop:
    """One shop's Admin API."""

    http: HttpClient
    account: Account
    trace_id: str = ""

    def query(self, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of a query."""
        return self._graphql(text, variables, is_write=False)

    def mutate(self, text: str, variables: Mapping[str, Any], *, field: str) -> dict[str, Any]:
        """What the mutation `field` returned. Raises `RemoteRejected` with its user errors."""
        data = self._graphql(text, variables, is_write=True)
        result = data.get(field)
        if not isinstance(result, dict):
            raise AnswerLost(f"Shopify's answer lacks {field}.")
        if errors := result.get("userErrors"):
            refuse_user_errors(errors)
        return result

    def probe(self) -> Sequence[tuple[str, str]]:
        """Name, currency and scopes; the scopes only where the shop tells them."""
        shop = self.query(SHOP_QUERY).get("shop") or {}
        seen = [
            ("Shop", f"{shop.get('name')} ({shop.get('myshopifyDomain')})"),
            ("Currency", str(shop.get("currencyCode"))),
        ]
        try:
            installation = self.query(SCOPES_QUERY).get("currentAppInstallation") or {}
        except RemoteRejected:
            return seen
        granted = {scope.get("handle") for scope in installation.get("accessScopes") or []}
        missing = [scope for scope in NEEDED_SCOPES if scope not in granted]
        return [*seen, ("Scopes", f"missing: {', '.join(missing)}" if missing else "all granted")]

    def _graphql(
        self, text: str, variables: Mapping[str, Any] | None, *, is_write: bool
    ) -> dict[str, Any]:
        answer = self.http.call(
            "POST",
            f"/admin/api/{api_version(self.account)}/graphql.json",
            is_write=is_write,
            json_body={"query": text, "variables": variables or {}},
            headers=sign_in(self.account),
            trace_id=self.trace_id,
        )
        body = answer.body
        if not isinstance(body, dict):
            _raise_unreadable(is_write)
        data = body.get("data")
        if errors := body.get("errors"):
            if is_write and isinstance(data, dict) and any(data.values()):
                # The mutation ran and only a field of its answer failed.
                raise AnswerLost(f"Shopify answered in part: {_said(errors)}")
            _raise_graphql(errors, body.get("extensions"), is_write=is_write)
        if not isinstance(data, dict):
            _raise_unreadable(is_write)
        return data


def poll_orders(http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
    """One page of orders changed since, oldest change first.

    REST, although it is called legacy: its orders are the webhooks' bodies to the last field, so
    one mapping reads both. GraphQL orders are another shape and would need a second one.
    """
    try:
        answer = _page(http, account, cursor, since)
    except RemoteRejected as error:
        if not cursor or error.context.get("status") != 400:
            raise
        answer = _page(http, account, "", since)  # a page_info lives a while only: begin anew
    next_page = _NEXT_PAGE.search(answer.headers.get("link", ""))
    return PollPage(
        messages=[polled(order, body) for order, body in orders_in(answer.content)],
        cursor=unquote(next_page[1]) if next_page else "",
        has_more=next_page is not None,
        wait=_breather(answer.headers.get("x-shopify-shop-api-call-limit", "")),
    )


def _page(http: HttpClient, account: Account, cursor: str, since: datetime) -> Answer:
    path = f"/admin/api/{api_version(account)}/orders.json"
    window = {
        "status": "any",
        "order": "updated_at asc",
        "updated_at_min": since.astimezone(UTC).isoformat(),
    }
    for size in PAGE_SIZES:
        # A page_info already holds the filters; beside it only `limit` is allowed.
        params = {"limit": str(size)} | ({"page_info": cursor} if cursor else window)
        try:
            return http.read(path, params=params, headers=sign_in(account))
        except AnswerTooLarge:
            if size == PAGE_SIZES[-1]:
                raise
    raise AssertionError("unreachable")


def orders_in(content: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each order of `{"orders": [...]}` in its own bytes, not printed anew: digits stay as sent."""
    text = content.decode("utf-8", "strict")
    opening = re.match(r'\s*\{\s*"orders"\s*:\s*\[', text)
    if opening is None:
        raise RemoteUnavailable("Shopify's list of orders is not one.")
    decoder, position = json.JSONDecoder(), opening.end()
    while match := _NEXT_ORDER.match(text, position):
        order, position = decoder.raw_decode(text, match.end())
        yield order, text[match.end() : position].encode()


def polled(order: dict[str, Any], body: bytes) -> PolledMessage:
    """An order we asked for, as the message that should have brought it."""
    order_id, version = str(order.get("id", "")), str(order.get("updated_at", ""))
    return PolledMessage(
        envelope=Envelope(
            topic="orders/updated",
            key=f"{ASKED_FOR}{order_id}:{version}"[:200],
            lane=f"order:{order_id}"[:160],
            entity_id=order_id,
            event_at=parse_moment(version),
        ),
        body=body,
    )


def _breather(call_limit: str) -> float:
    # "39/40": nearly full. The bucket leaks two calls a second on the smallest plan.
    used, _, size = call_limit.partition("/")
    if not (used.isdecimal() and size.isdecimal()) or int(size) == 0:
        return 0.0
    return max(0.0, (int(used) - int(size) * 0.8) / 2)


def api_version(account: Account) -> str:
    """The version the connection asks for, else the one this code was written against."""
    return quote(str(account.settings.get("api_version") or API_VERSION), safe="")


def sign_in(account: Account) -> dict[str, str]:
    """The header that says who we are."""
    return {"X-Shopify-Access-Token": account.secrets.get("access_token", "")}


def refuse_user_errors(errors: Sequence[Any]) -> NoReturn:
    """Refuse with what a mutation did not like: field, message and code."""
    said = []
    for error in errors:
        field = ".".join(str(part) for part in error.get("field") or [])
        message = _plain_ids(str(error.get("message")))
        said.append(f"{field}: {message}" if field else message)
    codes = [str(error["code"]) for error in errors if error.get("code")]
    raise RemoteRejected(
        f"Shopify refused: {'; '.join(said)}"[:500], codes=codes, errors=list(errors)
    )


def _plain_ids(text: str) -> str:
    """`gid://shopify/InventoryItem/42` as people say it: InventoryItem 42."""
    return re.sub(r"gid://shopify/(\w+)/(\w+)", r"\1 \2", text)


def _raise_graphql(errors: Any, extensions: Any, *, is_write: bool) -> NoReturn:
    listed, said = _listed(errors), _said(errors)
    codes = {str((error.get("extensions") or {}).get("code", "")) for error in listed}
    if "THROTTLED" in codes:
        raise RemoteThrottled("Shopify asks us to slow down.", after=_throttle_wait(extensions))
    if "ACCESS_DENIED" in codes:
        raise CredentialsRejected(f"Shopify denies access: {said}", errors=listed)
    if codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        if is_write:
            raise AnswerLost(f"Shopify failed inside: {said}")
        raise RemoteUnavailable(f"Shopify failed inside: {said}")
    raise RemoteRejected(f"Shopify refused: {said}", codes=sorted(codes - {""}), errors=listed)


def _listed(errors: Any) -> list[dict[str, Any]]:
    return (
        [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    )


def _said(errors: Any) -> str:
    said = "; ".join(str(error.get("message")) for error in _listed(errors))
    return _plain_ids(said or str(errors))[:500]


def _throttle_wait(extensions: Any) -> float | None:
    """Seconds until the bucket holds what this query costs (extensions.cost of the answer)."""
    try:
        cost = extensions["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return min(max(missing / float(status["restoreRate"]), 0.5), 60.0)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _raise_unreadable(is_write: bool) -> NoReturn:
    if is_write:
        raise AnswerLost("Shopify's answer holds neither data nor errors.")
    raise RemoteUnavailable("Shopify's answer holds neither data nor errors.")
