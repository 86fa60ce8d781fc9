"""The shop keeper's own desk: what a harness or a demo makes happen in the shop."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox.catalogue import ITEM
from retailhub.sandbox.control import control_route, read_object
from retailhub.sandbox.faults import SettingError, change_settings
from retailhub.sandbox.shop.fulfilment import ShopRefusal
from retailhub.sandbox.shop.orders import Order
from retailhub.sandbox.shop.store import PLACED_TOPICS, ShopStore
from retailhub.sandbox.shop.traffic import Traffic
from retailhub.sandbox.signing import RotatingSecret, fresh_shop_secret

MAX_AT_ONCE = 10_000


class Desk:
    """Control calls that change orders, products and secrets."""

    def __init__(self, store: ShopStore, traffic: Traffic, secret: RotatingSecret) -> None:
        self._store, self._traffic, self._secret = store, traffic, secret

    def routes(self) -> list[Route]:
        one = "/orders/{id}"
        return [
            control_route("/orders", self.place_orders, ["POST"]),
            control_route(one + "/cancel", self.cancel_order, ["POST"]),
            control_route(one + "/refund", self.refund_order, ["POST"]),
            control_route(one + "/resend", self.resend_order, ["POST"]),
            control_route("/products/update", self.update_product, ["POST"]),
            control_route("/rotate-secret", self.rotate_secret, ["POST"]),
        ]

    async def place_orders(self, request: Request) -> Response:
        """Orders that depend on nothing but the seed and the mix."""
        asked = await read_object(request)
        count, seed = asked.get("count", 1), asked.get("seed", time.time_ns())
        if not isinstance(count, int) or not 1 <= count <= MAX_AT_ONCE:
            raise SettingError(f"count must be from 1 to {MAX_AT_ONCE}")
        sku, quantity = asked.get("sku"), asked.get("quantity")
        if sku is not None and sku not in ITEM:
            raise SettingError(f"the shop sells no {sku!r}")
        if quantity is not None and (not isinstance(quantity, int) or quantity < 1):
            raise SettingError("quantity must be 1 or more")
        mix = change_settings(self._traffic.mix, asked.get("mix", {}))
        topics = asked.get("topics", PLACED_TOPICS)
        placed = [
            self._store.place(mix, f"{seed}:{index}", topics, sku=sku, quantity=quantity)
            for index in range(count)
        ]
        await self._store.journal.commit()
        return JSONResponse({"orders": [_summary(order, ids) for order, ids in placed]})

    async def cancel_order(self, request: Request) -> Response:
        order, asked = self._order(request), await read_object(request)
        try:
            self._store.cancel(order, str(asked.get("reason", "customer")))
        except ShopRefusal as refusal:
            raise SettingError(refusal.message) from refusal
        await self._store.journal.commit()
        return JSONResponse({"order": order})

    async def refund_order(self, request: Request) -> Response:
        order, asked = self._order(request), await read_object(request)
        lines = asked.get("lines")
        try:
            wanted = {int(line["id"]): int(line["quantity"]) for line in lines or []}
        except (TypeError, KeyError, ValueError) as error:
            raise SettingError("lines must be a list of {id, quantity}") from error
        if lines is None:
            wanted = {line["id"]: line["current_quantity"] for line in order["line_items"]}
        restock_type = str(asked.get("restock_type", "return"))
        try:
            refund = self._store.refund(order, wanted, restock_type, asked.get("note"))
        except ShopRefusal as refusal:
            raise SettingError(refusal.message) from refusal
        await self._store.journal.commit()
        return JSONResponse({"refund": refund})

    async def resend_order(self, request: Request) -> Response:
        order, asked = self._order(request), await read_object(request)
        ids = self._store.resend(order, str(asked.get("topic", "orders/updated")))
        await self._store.journal.commit()
        return JSONResponse({"webhook_ids": ids})

    async def update_product(self, request: Request) -> Response:
        sku = str((await read_object(request)).get("sku", "MUG-BLUE"))
        if sku not in ITEM:
            raise SettingError(f"the shop sells no {sku!r}")
        ids = self._store.update_product(ITEM[sku])
        await self._store.journal.commit()
        return JSONResponse({"webhook_ids": ids})

    async def rotate_secret(self, request: Request) -> Response:
        asked = await read_object(request)
        secret = str(asked.get("secret") or fresh_shop_secret())
        self._secret.rotate(secret, float(asked.get("old_signs_for_s", 0)))
        return JSONResponse({"secret": secret})

    def _order(self, request: Request) -> Order:
        order = self._store.order(request.path_params["id"])
        if order is None:
            raise SettingError("no such order")
        return order


def _summary(order: Order, webhook_ids: dict[str, str]) -> dict[str, Any]:
    lines = [
        {"id": line["id"], "sku": line["sku"], "quantity": line["quantity"]}
        for line in order["line_items"]
    ]
    return {
        "id": order["id"],
        "name": order["name"],
        "test": order["test"],
        "total_price": order["total_price"],
        "lines": lines,
        "webhook_ids": webhook_ids,
    }
