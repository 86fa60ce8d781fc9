"""The shop's front door: its routes, its manners and its limits."""

import hmac
import json
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox import credentials
from retailhub.sandbox.control import settings_route
from retailhub.sandbox.courier import Courier, CourierSettings, Delivery
from retailhub.sandbox.faults import FaultSettings, SettingError, change_settings
from retailhub.sandbox.gate import Asked
from retailhub.sandbox.limits import Bucket
from retailhub.sandbox.shop.desk import Desk
from retailhub.sandbox.shop.engine import Engine, is_mutation
from retailhub.sandbox.shop.hooks import Announcer, shop_headers
from retailhub.sandbox.shop.rest import list_orders, show_order
from retailhub.sandbox.shop.store import ShopStore
from retailhub.sandbox.shop.traffic import Traffic
from retailhub.sandbox.signing import RotatingSecret
from retailhub.sandbox.system import System

API: Final = f"/admin/api/{credentials.SHOP_API_VERSION}"
GRAPHQL_PATH: Final = f"{API}/graphql.json"


@dataclass(frozen=True)
class ShopLimits:
    """What a standard plan grants: points for GraphQL, calls for REST."""

    maximum_available: float = 2000.0
    restore_rate: float = 100.0
    rest_bucket: float = 40.0
    rest_restore_rate: float = 2.0


class ShopManners:
    """Shopify's words for yes and no."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rest = Bucket(40, 2)

    def refuse(self, asked: Asked) -> Response | None:
        given = asked.headers.get("x-shopify-access-token", "")
        if not hmac.compare_digest(given.encode(), credentials.SHOP_ACCESS_TOKEN.encode()):
            return self.expired(asked)
        if asked.path == GRAPHQL_PATH or self.rest.take(1):
            return None
        return self.too_many(asked, 2.0)

    def expired(self, asked: Asked) -> Response:
        words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return JSONResponse({"errors": words}, status_code=401)

    def too_many(self, asked: Asked, retry_after_s: float) -> Response:
        if asked.path == GRAPHQL_PATH:
            return JSONResponse(self._engine.throttled())
        words = (
            f"Exceeded {self.rest.per_second:g} calls per second for api client. "
            "Reduce request rates to resume uninterrupted service."
        )
        headers = {"retry-after": f"{retry_after_s:.1f}", **self.call_limit()}
        return JSONResponse({"errors": words}, status_code=429, headers=headers)

    def unavailable(self, retry_after_s: float) -> Response:
        headers = {"retry-after": f"{retry_after_s:g}"}
        return JSONResponse({"errors": "Service Unavailable"}, status_code=503, headers=headers)

    def timed_out(self) -> Response:
        return JSONResponse({"errors": "Gateway Timeout"}, status_code=504)

    def is_write(self, asked: Asked) -> bool:
        if asked.path != GRAPHQL_PATH:
            return False
        try:
            return is_mutation(str(json.loads(asked.body)["query"]))
        except (ValueError, KeyError, TypeError):
            return False

    def call_limit(self) -> dict[str, str]:
        used = round(self.rest.size - self.rest.available())
        return {"x-shopify-shop-api-call-limit": f"{used}/{self.rest.size:g}"}


class Shop(System):
    """One Shopify shop with its customers."""

    name = "shop"

    def __init__(
        self,
        data: Path,
        hook_url: str,
        orders_per_minute: float = 0.0,
        faults: FaultSettings | None = None,
    ) -> None:
        super().__init__(data, faults)
        self.secret = RotatingSecret(credentials.SHOP_WEBHOOK_SECRET)
        settings = CourierSettings(url=hook_url)
        self.courier = Courier(self.journal, self.faults, settings, self._sign)
        self.store = ShopStore(self.journal, Announcer(self.courier))
        self.traffic = Traffic(self.store, orders_per_minute)
        self.limits = ShopLimits()
        self.engine = Engine(self.store, Bucket(2000, 100))
        self.manners = ShopManners(self.engine)
        desk = Desk(self.store, self.traffic, self.secret)
        self.open_gate(
            [*self._vendor_routes(), *self._control_routes(), *desk.routes()], self.manners
        )

    def background(self) -> list[Coroutine[Any, Any, None]]:
        return [self.courier.run(), self.traffic.run()]

    def _sign(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        return shop_headers(self.secret, self.courier.settings.spelling, delivery, body)

    def _vendor_routes(self) -> list[Route]:
        return [
            Route(GRAPHQL_PATH, self.graphql, methods=["POST"]),
            Route(f"{API}/orders.json", self.rest_orders, methods=["GET"]),
            Route(f"{API}/orders/{{id:int}}.json", self.rest_order, methods=["GET"]),
        ]

    def _control_routes(self) -> list[Route]:
        return [
            settings_route("/traffic", self.traffic.report, self.traffic.change),
            settings_route("/webhooks", self.courier.report, self._change_courier),
            settings_route("/limits", lambda: asdict(self.limits), self._change_limits),
        ]

    async def graphql(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            query, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        if not isinstance(query, str) or not isinstance(variables, dict):
            return JSONResponse({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        answer = self.engine.answer(query, variables, body.get("operationName"))
        await self.journal.commit()
        return JSONResponse(answer)

    async def rest_orders(self, request: Request) -> Response:
        return self._counted(list_orders(request, self.store))

    async def rest_order(self, request: Request) -> Response:
        return self._counted(show_order(request, self.store))

    def _counted(self, response: Response) -> Response:
        response.headers.update(self.manners.call_limit())
        return response

    def _change_courier(self, values: dict[str, Any]) -> None:
        if values.get("spelling", "shopify") not in ("shopify", "x-shopify"):
            raise SettingError('spelling must be "x-shopify" or "shopify"')
        self.courier.change(values)

    def _change_limits(self, values: dict[str, Any]) -> None:
        self.limits = change_settings(self.limits, values)
        limits = self.limits
        self.engine.bucket = Bucket(limits.maximum_available, limits.restore_rate)
        self.manners.rest = Bucket(limits.rest_bucket, limits.rest_restore_rate)
