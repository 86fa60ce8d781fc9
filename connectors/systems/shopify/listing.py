"""Which orders does the shop itself say it has?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.systems.base import Account, ListedOrder, OrderList, PolledMessage
from connectors.systems.fields import parse_moment
from connectors.systems.http import HttpClient, RemoteUnavailable
from connectors.systems.shopify.client import Shop, api_version, orders_in, polled, sign_in

LIST_QUERY = """
query Orders($search: String!, $after: String) {
  orders(first: 250, after: $after, query: $search, sortKey: CREATED_AT) {
    nodes { id name createdAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def list_orders(shop: Shop, window: tuple[datetime, datetime], cursor: str) -> OrderList:
    """One page of the orders created in `window`: ids and names, which cost next to nothing."""
    first, last = (moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in window)
    search = f"created_at:>='{first}' created_at:<='{last}'"
    data = shop.query(LIST_QUERY, {"search": search, "after": cursor or None})
    page = data.get("orders")
    if not isinstance(page, dict):
        raise RemoteUnavailable("Shopify's list of orders is not one.")
    more = page.get("pageInfo") or {}
    return OrderList(
        orders=[_listed(node) for node in page.get("nodes") or []],
        cursor=str(more.get("endCursor") or ""),
        has_more=bool(more.get("hasNextPage")),
    )


def _listed(node: dict[str, Any]) -> ListedOrder:
    external_id = str(node.get("id", "")).rpartition("/")[2]
    placed_at = parse_moment(str(node.get("createdAt", "")))
    if not external_id or placed_at is None:
        raise RemoteUnavailable("Shopify lists an order without id or time.")
    return ListedOrder(
        external_id=external_id,
        number=str(node.get("name") or external_id),
        placed_at=placed_at,
        lane=f"order:{external_id}",
    )


def fetch_orders(
    http: HttpClient, account: Account, external_ids: Sequence[str]
) -> list[PolledMessage]:
    """These orders. REST, because its orders are the webhooks' bodies to the last field."""
    answer = http.read(
        f"/admin/api/{api_version(account)}/orders.json",
        params={"ids": ",".join(external_ids), "status": "any", "limit": "50"},
        headers=sign_in(account),
    )
    return [polled(order, body) for order, body in orders_in(answer.content)]
