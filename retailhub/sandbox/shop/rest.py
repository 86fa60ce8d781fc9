"""The old REST reads of orders, in the same shape as the webhooks."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from retailhub.sandbox.clock import parse_stamp
from retailhub.sandbox.shop.orders import Order
from retailhub.sandbox.shop.store import ShopStore

_MAX_PAGE: Final = 250
_DEFAULT_PAGE: Final = 50
_ORDERINGS: Final = ("created_at", "updated_at", "processed_at", "id")
_BOUNDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "min": lambda value, bound: value >= bound,
    "max": lambda value, bound: value <= bound,
}


class BadQuery(ValueError):
    """A parameter of a REST call makes no sense."""


def show_order(request: Request, store: ShopStore) -> Response:
    order = store.order(request.path_params["id"])
    if order is None:
        return JSONResponse({"errors": "Not Found"}, status_code=404)
    return JSONResponse({"order": order})


def list_orders(request: Request, store: ShopStore) -> Response:
    """One page of orders, and the way to the next in the Link header."""
    try:
        asked = _asked(request)
        found = _found(store, asked)
        start, limit = int(asked.get("_start", 0)), _limit(request)
    except BadQuery as error:
        return JSONResponse({"errors": str(error)}, status_code=400)
    page = found[start : start + limit]
    links = []
    if start > 0:
        links.append(_link(request, asked, max(0, start - limit), limit, "previous"))
    if start + limit < len(found):
        links.append(_link(request, asked, start + limit, limit, "next"))
    headers = {"link": ", ".join(links)} if links else None
    return JSONResponse({"orders": page}, headers=headers)


def _asked(request: Request) -> dict[str, Any]:
    """The filters: from the address, or from the page_info that an earlier page gave out."""
    given = dict(request.query_params)
    page_info = given.pop("page_info", None)
    given.pop("limit", None)
    given.pop("fields", None)
    if page_info is None:
        return given
    if given:
        raise BadQuery("Invalid value for page_info: only limit and fields may stand beside it")
    try:
        asked = json.loads(base64.urlsafe_b64decode(page_info))
    except ValueError as error:
        raise BadQuery("Invalid value for page_info") from error
    return dict(asked)


def _found(store: ShopStore, asked: dict[str, Any]) -> list[Order]:
    status = asked.get("status", "open")
    tests = [_test(name, value) for name, value in asked.items() if name[-4:] in ("_min", "_max")]
    wanted = str(asked["ids"]).split(",") if "ids" in asked else store.orders
    found = [
        order
        for key in wanted
        if (order := store.orders.get(key)) is not None
        if _has_status(order, status) and all(test(order) for test in tests)
    ]
    field, _, way = str(asked.get("order", "created_at desc")).partition(" ")
    if field not in _ORDERINGS:
        raise BadQuery(f"order: {field} is not one of {', '.join(_ORDERINGS)}")
    found.sort(key=lambda order: (_comparable(order[field]), order["id"]), reverse=way != "asc")
    return found


def _test(name: str, value: str) -> Callable[[Order], bool]:
    field, compare = name[:-4], _BOUNDS[name[-3:]]
    if field not in ("created_at", "updated_at", "processed_at"):
        raise BadQuery(f"{name}: unknown filter")
    try:
        # A plus sign that nobody escaped arrives as a space.
        bound = parse_stamp(value.replace(" ", "+"))
    except ValueError as error:
        raise BadQuery(f"{name}: {value} is not a time") from error
    return lambda order: compare(parse_stamp(order[field]), bound)


def _has_status(order: Order, status: str) -> bool:
    if status == "cancelled":
        return order["cancelled_at"] is not None
    is_closed = order["closed_at"] is not None
    return status == "any" or is_closed == (status == "closed")


def _comparable(value: Any) -> Any:
    return parse_stamp(value) if isinstance(value, str) else value


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(_DEFAULT_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= _MAX_PAGE:
        raise BadQuery(f"limit must be between 1 and {_MAX_PAGE}")
    return int(text)


def _link(request: Request, asked: dict[str, Any], start: int, limit: int, rel: str) -> str:
    token = base64.urlsafe_b64encode(json.dumps({**asked, "_start": start}).encode()).decode()
    base = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    return f'<{base}?{urlencode({"limit": limit, "page_info": token})}>; rel="{rel}"'
