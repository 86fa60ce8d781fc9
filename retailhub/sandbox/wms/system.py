"""The warehouse's front door: its routes, its manners and its control calls."""

import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox import credentials
from retailhub.sandbox.catalogue import ITEM_BY_CODE, PLACE
from retailhub.sandbox.clock import parse_stamp
from retailhub.sandbox.control import control_route, read_object, settings_route
from retailhub.sandbox.courier import Courier, CourierSettings, Delivery
from retailhub.sandbox.faults import FaultSettings, SettingError
from retailhub.sandbox.gate import Asked
from retailhub.sandbox.journal import Record
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.limits import RequestRate
from retailhub.sandbox.signing import RotatingSecret, fresh_standard_secret
from retailhub.sandbox.system import System
from retailhub.sandbox.wms.events import Teller, standard_headers
from retailhub.sandbox.wms.floor import Floor, ProgressSettings
from retailhub.sandbox.wms.orders import Refused, new_order, read_order
from retailhub.sandbox.wms.stock import Stock
from retailhub.sandbox.wms.storekeeper import Storekeeper

PAGE = 100
# Older orders are forgotten, so that a demo may run for days.
RETAINED_ORDERS = 20_000
MOVEMENTS = frozenset({"adjusted", "received"})


def problem(
    status: int, code: str, message: str, field: str | None = None, retry_after_s: float = 0
) -> Response:
    headers = {"retry-after": f"{retry_after_s:g}"} if retry_after_s else None
    body = {"error": {"code": code, "message": message, "field": field}}
    return JSONResponse(body, status_code=status, headers=headers)


class WmsManners:
    """The warehouse's words for yes and no."""

    def __init__(self, rate: RequestRate) -> None:
        self._rate = rate

    def refuse(self, asked: Asked) -> Response | None:
        given = asked.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {credentials.WMS_API_KEY}".encode()):
            return self.expired(asked)
        wait_s = self._rate.take()
        return self.too_many(asked, wait_s) if wait_s else None

    def expired(self, asked: Asked) -> Response:
        return problem(401, "unauthorized", "the API key is not valid")

    def too_many(self, asked: Asked, retry_after_s: float) -> Response:
        return problem(429, "too_many_requests", "slow down", retry_after_s=retry_after_s)

    def unavailable(self, retry_after_s: float) -> Response:
        return problem(503, "unavailable", "try again later", retry_after_s=retry_after_s)

    def timed_out(self) -> Response:
        return problem(504, "timeout", "the warehouse did not answer in time")

    def is_write(self, asked: Asked) -> bool:
        return asked.method == "POST"


class Wms(System):
    """Two warehouses, Berlin and Hamburg, behind one interface."""

    name = "wms"

    def __init__(
        self,
        data: Path,
        hook_url: str,
        faults: FaultSettings | None = None,
        *,
        delivery_interval_s: float = 0.0,
    ) -> None:
        super().__init__(data, faults)
        self.secret = RotatingSecret(credentials.WMS_WEBHOOK_SECRET)
        self.courier = Courier(self.journal, self.faults, CourierSettings(url=hook_url), self._sign)
        self.stock = Stock(self.journal)
        progress = ProgressSettings(delivery_interval_s=delivery_interval_s)
        teller = Teller(self.journal, self.courier)
        self.floor = Floor(self.journal, self.stock, teller, progress)
        self.storekeeper = Storekeeper(
            self.journal, self.stock, teller, lambda: self.floor.settings
        )
        self.rate = RequestRate()
        self.open_gate([*self._vendor_routes(), *self._control_routes()], WmsManners(self.rate))

    def background(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self.courier.run(),
            self.floor.run(),
            self.storekeeper.count_now_and_then(),
            self.storekeeper.receive_now_and_then(),
        ]

    def _sign(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        return standard_headers(self.secret, delivery, body)

    def _vendor_routes(self) -> list[Route]:
        orders = "/v1/outbound-orders"
        return [
            Route("/v1/ping", polite(self.ping)),
            Route("/v1/stock", polite(self.show_stock)),
            Route(orders, polite(self.create_order), methods=["POST"]),
            Route(orders, polite(self.list_orders), methods=["GET"]),
            Route(orders + "/{id}", polite(self.show_order)),
            Route(orders + "/{id}/cancel", polite(self.cancel_order), methods=["POST"]),
        ]

    def _control_routes(self) -> list[Route]:
        return [
            settings_route("/progress", self.floor.report, self.floor.change),
            settings_route("/webhooks", self.courier.report, self.courier.change),
            settings_route("/limits", self.rate.report, self.rate.change),
            control_route("/rotate-secret", self.rotate_secret, ["POST"]),
            control_route("/stock-count", self.count_stock, ["POST"]),
            control_route("/stock-movement", self.move_stock, ["POST"]),
            control_route("/outbound-orders/{id}/advance", self.advance_order, ["POST"]),
        ]

    async def ping(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def show_stock(self, request: Request) -> Response:
        wanted = request.query_params
        return JSONResponse(
            {"stock": self.stock.levels(wanted.get("warehouse"), wanted.get("sku"))}
        )

    async def create_order(self, request: Request) -> Response:
        asked = read_order(await _json(request))
        order = new_order(self.journal.count_up("outbound"), asked)
        effect = Effect(
            "outbound.created",
            order["reference"],
            order["id"],
            detail={"warehouse": order["warehouse"], "units": _units(order)},
        )
        self.journal.record(effect)
        self.floor.begin(order)
        while len(self.orders) > RETAINED_ORDERS:
            self.journal.drop("orders", next(iter(self.orders)))
        await self.journal.commit()
        return JSONResponse(_public(order), status_code=201)

    async def list_orders(self, request: Request) -> Response:
        wanted = request.query_params
        start, limit = _paging(wanted.get("cursor", "0"), wanted.get("limit", str(PAGE)))
        since = _since(wanted.get("updated_since"))
        found = [
            _public(order)
            for order in self.orders.values()
            if wanted.get("reference") in (None, order["reference"])
            and wanted.get("status") in (None, order["status"])
            and (since is None or parse_stamp(order["updated_at"]).timestamp() >= since)
        ]
        following = str(start + limit) if len(found) > start + limit else None
        page = found[start : start + limit]
        return JSONResponse({"outbound_orders": page, "next_cursor": following})

    async def show_order(self, request: Request) -> Response:
        return JSONResponse(_public(self._order(request)))

    async def cancel_order(self, request: Request) -> Response:
        order = self._order(request)
        if order["status"] == "cancelled":
            return JSONResponse(_public(order))
        if order["status"] != "received":
            raise Refused(409, "already_picked", f"the order is already {order['status']}")
        self.floor.cancel(order)
        await self.journal.commit()
        return JSONResponse(_public(order))

    async def rotate_secret(self, request: Request) -> Response:
        body = await read_object(request)
        secret = str(body.get("secret") or fresh_standard_secret())
        self.secret.rotate(secret, float(body.get("old_signs_for_s", 0)))
        return JSONResponse({"secret": secret})

    async def count_stock(self, request: Request) -> Response:
        body = await read_object(request)
        warehouse, sku, on_hand = body.get("warehouse"), body.get("sku"), body.get("on_hand")
        if warehouse not in PLACE or sku not in ITEM_BY_CODE or not isinstance(on_hand, int):
            raise SettingError("needs a known warehouse, a known sku and a whole on_hand")
        counted = self.storekeeper.record_count(str(warehouse), str(sku), on_hand)
        await self.journal.commit()
        return JSONResponse(counted)

    async def move_stock(self, request: Request) -> Response:
        body = await read_object(request)
        warehouse, sku, quantity = body.get("warehouse"), body.get("sku"), body.get("quantity")
        if warehouse not in PLACE or sku not in ITEM_BY_CODE or not isinstance(quantity, int):
            raise SettingError("needs a known warehouse, a known sku and a whole quantity")
        more = {name: str(body[name]) for name in ("reason", "reference") if name in body}
        kind = body.get("kind")
        if kind not in MOVEMENTS or (kind == "received" and quantity <= 0):
            raise SettingError("kind is adjusted, or received with a quantity above zero")
        moved = self.storekeeper.record_movement(kind, str(warehouse), str(sku), quantity, **more)
        await self.journal.commit()
        return JSONResponse(moved)

    async def advance_order(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None:
            raise SettingError("no such outbound order")
        self.floor.advance(order, (await read_object(request)).get("to"))
        await self.journal.commit()
        return JSONResponse(_public(order))

    @property
    def orders(self) -> dict[str, Record]:
        return self.journal.table("orders")

    def _order(self, request: Request) -> Record:
        order = self.orders.get(request.path_params["id"])
        if order is None:
            raise Refused(404, "not_found", "no such outbound order")
        return order


def polite(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Turn a refusal into the warehouse's error body."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return problem(refused.status, refused.code, refused.message, refused.field)

    return handle


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise Refused(400, "invalid", "the body is not JSON") from error


def _public(order: Record) -> Record:
    return {name: value for name, value in order.items() if not name.startswith("_")}


def _units(order: Record) -> int:
    return sum(line["quantity"] for line in order["lines"])


def _paging(cursor: str, limit: str) -> tuple[int, int]:
    if not cursor.isdigit() or not limit.isdigit() or not 1 <= int(limit) <= PAGE:
        raise Refused(400, "invalid", f"cursor and limit (1 to {PAGE}) must be whole numbers")
    return int(cursor), int(limit)


def _since(text: str | None) -> float | None:
    try:
        return parse_stamp(text).timestamp() if text else None
    except ValueError as error:
        raise Refused(400, "invalid", "updated_since is no ISO time", "updated_since") from error
