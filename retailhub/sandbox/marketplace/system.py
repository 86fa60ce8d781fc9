"""The marketplace: listings with a quantity each, changed one by one or by feeds."""

import asyncio
import json
import time
import uuid
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox.catalogue import ITEMS
from retailhub.sandbox.clock import wire_stamp
from retailhub.sandbox.control import control_route, read_object, settings_route
from retailhub.sandbox.erp.access import Tokens
from retailhub.sandbox.faults import FaultSettings, SettingError, change_settings
from retailhub.sandbox.journal import Record
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.marketplace.access import (
    DOCUMENTS,
    TOKEN_PATH,
    MarketManners,
    Plans,
    answer_token_request,
    rendered,
)
from retailhub.sandbox.system import System

PATH = "/attributes/fulfillment_availability"
CHANNEL = "DEFAULT"


@dataclass(frozen=True)
class MarketSettings:
    """How long a feed lies in the queue, and the SKU whose changes are found invalid."""

    feed_s: float = 2.0
    invalid_sku: str = ""


class Marketplace(System):
    """One seller at one marketplace."""

    name = "market"

    def __init__(self, data: Path, faults: FaultSettings | None = None) -> None:
        super().__init__(data, faults)
        self.tokens, self.settings = Tokens(), MarketSettings()
        self.listings = self.journal.table("listings")
        self.feeds = self.journal.table("feeds")
        self.documents = self.journal.table("documents")
        for item in ITEMS:
            if item.code not in self.listings:
                self.journal.put("listings", item.code, {"sku": item.code, "quantity": 0})
        routes = [*self._vendor_routes(), *self._control_routes()]
        self.open_gate(routes, MarketManners(self.tokens, Plans()))

    def _vendor_routes(self) -> list[Route]:
        items, feeds = "/listings/2021-08-01/items/{seller}", "/feeds/2021-06-30"
        return [
            Route(TOKEN_PATH, self.give_token, methods=["POST"]),
            Route(items, self.search, methods=["GET"]),
            Route(items + "/{sku:path}", self.show, methods=["GET"]),
            Route(items + "/{sku:path}", self.patch, methods=["PATCH"]),
            Route(feeds + "/documents", self.create_document, methods=["POST"]),
            Route(feeds + "/documents/{id}", self.show_document, methods=["GET"]),
            Route(feeds + "/feeds", self.create_feed, methods=["POST"]),
            Route(feeds + "/feeds/{id}", self.show_feed, methods=["GET"]),
            Route(DOCUMENTS + "{id}", self.upload, methods=["PUT"]),
            Route(DOCUMENTS + "{id}", self.download, methods=["GET"]),
        ]

    def _control_routes(self) -> list[Route]:
        return [
            settings_route("/market", lambda: asdict(self.settings), self._change),
            control_route("/expire-tokens", self._expire_tokens, ["POST"]),
            control_route("/quantity", self._set_quantity, ["POST"]),
        ]

    def background(self) -> list[Coroutine[Any, Any, None]]:
        return [self._work()]

    async def give_token(self, request: Request) -> Response:
        return await answer_token_request(request, self.tokens)

    async def search(self, request: Request) -> Response:
        size = int(request.query_params.get("pageSize", "10"))
        rows = list(self.listings.values())
        page = [_shown(row) for row in rows[:size]]
        return JSONResponse({"numberOfResults": len(rows), "items": page})

    async def show(self, request: Request) -> Response:
        row = self.listings.get(request.path_params["sku"])
        return _not_found() if row is None else JSONResponse(_shown(row))

    async def patch(self, request: Request) -> Response:
        sku, body = request.path_params["sku"], await _json(request)
        if sku not in self.listings:
            return _not_found()
        quantity = _quantity_in(body)
        issues = self._issues(sku, quantity)
        if not issues and quantity is not None:
            self._set(sku, quantity)
            await self.journal.commit()
        said = {
            "sku": sku,
            "status": "INVALID" if issues else "ACCEPTED",
            "submissionId": str(uuid.uuid4()),
            "issues": issues,
        }
        return JSONResponse(said)

    async def create_document(self, request: Request) -> Response:
        asked = await _json(request)
        if not asked.get("contentType"):
            return rendered(400, "InvalidInput", "contentType is missing.")
        number = self._new_document(None)
        body = {"feedDocumentId": number, "url": _address(request, number)}
        return JSONResponse(body, status_code=201)

    async def show_document(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.documents:
            return _not_found()
        return JSONResponse({"feedDocumentId": number, "url": _address(request, number)})

    async def upload(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.documents:
            return Response(status_code=403)
        self.journal.put("documents", number, {"content": (await request.body()).decode()})
        await self.journal.commit()
        return Response(status_code=200)

    async def download(self, request: Request) -> Response:
        row = self.documents.get(request.path_params["id"])
        return Response(status_code=403) if row is None else Response(row["content"] or "")

    async def create_feed(self, request: Request) -> Response:
        asked = await _json(request)
        number = str(50_000_000 + self.journal.count_up("feed"))
        feed = {
            "feedId": number,
            "feedType": asked.get("feedType"),
            "createdTime": wire_stamp(),
            "processingStatus": "IN_QUEUE",
            "_document": asked.get("inputFeedDocumentId"),
            "_due": time.time() + self.settings.feed_s,
        }
        self.journal.put("feeds", number, feed)
        self.journal.record(Effect("feed.created", number))
        await self.journal.commit()
        return JSONResponse({"feedId": number}, status_code=202)

    async def show_feed(self, request: Request) -> Response:
        feed = self.feeds.get(request.path_params["id"])
        if feed is None:
            return _not_found()
        return JSONResponse({k: v for k, v in feed.items() if not k.startswith("_")})

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for feed in list(self.feeds.values()):
                if feed["processingStatus"] == "IN_QUEUE" and feed["_due"] <= time.time():
                    self._process(feed)
                    await self.journal.commit()

    def _process(self, feed: Record) -> None:
        content = self.documents.get(str(feed["_document"]), {}).get("content")
        try:
            messages = json.loads(content or "")["messages"]
        except (ValueError, KeyError, TypeError):
            self.journal.put("feeds", feed["feedId"], {**feed, "processingStatus": "FATAL"})
            return
        issues = [issue for message in messages for issue in self._take(message)]
        invalid = len({issue["messageId"] for issue in issues})
        report = {
            "header": {"sellerId": "", "version": "2.0", "feedId": feed["feedId"]},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(messages) - invalid,
                "messagesInvalid": invalid,
            },
        }
        number = self._new_document(json.dumps(report))
        done = {**feed, "processingStatus": "DONE", "resultFeedDocumentId": number}
        self.journal.put("feeds", feed["feedId"], done)

    def _take(self, message: Record) -> list[Record]:
        sku, quantity = message["sku"], _quantity_in(message)
        issues = self._issues(sku, quantity)
        if sku not in self.listings:
            issues = [_issue("13013", "This SKU does not exist in your catalogue.")]
        if not issues and quantity is not None:
            self._set(sku, quantity)
        about = {"messageId": message["messageId"], "sku": sku}
        return [{**about, **issue} for issue in issues]

    def _issues(self, sku: str, quantity: int | None) -> list[Record]:
        if quantity is None or quantity < 0:
            return [_issue("90000900", "The attributes are invalid.")]
        if sku == self.settings.invalid_sku:
            return [_issue("8541", "The SKU does not match any ASIN.")]
        return []

    def _set(self, sku: str, quantity: int, by: str = "api") -> None:
        self.journal.put("listings", sku, {"sku": sku, "quantity": quantity})
        self.journal.record(
            Effect("listing.quantity", sku, detail={"quantity": quantity, "by": by})
        )

    def _new_document(self, content: str | None) -> str:
        number = f"amzn1.tortuga.4.eu.{uuid.uuid4()}"
        self.journal.put("documents", number, {"content": content})
        return number

    def _change(self, values: dict[str, Any]) -> None:
        self.settings = change_settings(self.settings, values)

    async def _expire_tokens(self, _request: Request) -> Response:
        return JSONResponse({"expired": self.tokens.expire_all()})

    async def _set_quantity(self, request: Request) -> Response:
        asked = await read_object(request)
        if asked.get("sku") not in self.listings:
            raise SettingError(f"no listing {asked.get('sku')!r}")
        self._set(str(asked["sku"]), int(asked.get("quantity", 0)), by="hand")
        await self.journal.commit()
        return JSONResponse(self.listings[str(asked["sku"])])


def _shown(row: Record) -> Record:
    offered = {"fulfillmentChannelCode": CHANNEL, "quantity": row["quantity"]}
    return {"sku": row["sku"], "fulfillmentAvailability": [offered]}


def _quantity_in(body: Record) -> int | None:
    """The number that a patch of the seller's own stock asks for."""
    for patch in body.get("patches") or []:
        for value in patch.get("value") or [] if patch.get("path") == PATH else []:
            if value.get("fulfillment_channel_code") == CHANNEL:
                quantity = value.get("quantity")
                return quantity if isinstance(quantity, int) else None
    return None


def _issue(code: str, message: str) -> Record:
    return {"code": code, "severity": "ERROR", "message": message}


async def _json(request: Request) -> Record:
    try:
        value = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _address(request: Request, number: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{DOCUMENTS}{number}?X-Amz-Expires=300"


def _not_found() -> Response:
    return rendered(404, "NotFound", "The requested resource could not be found.")
