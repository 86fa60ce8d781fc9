"""The ERP's front door: its routes and its control calls."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox.control import control_route, settings_route
from retailhub.sandbox.erp.access import TOKEN_PATH, ErpManners, Tokens, answer_token_request
from retailhub.sandbox.erp.fulfilment import transform_order
from retailhub.sandbox.erp.problems import ErpProblem, rendered
from retailhub.sandbox.erp.records import TYPES, Records
from retailhub.sandbox.erp.suiteql import run_query
from retailhub.sandbox.faults import FaultSettings, change_settings
from retailhub.sandbox.journal import Record
from retailhub.sandbox.system import System

RECORD: Final = "/services/rest/record/v1"
_SEARCH: Final = re.compile(r'^\s*externalId\s+IS\s+"?([^"]*)"?\s*$', re.IGNORECASE)
_MAX_PAGE: Final = 1000


@dataclass(frozen=True)
class ErpLimits:
    """NetSuite counts concurrency per account; 5 is what the smallest one gets."""

    concurrency: int = 5
    token_lifetime_s: float = 3600.0


class Erp(System):
    """One NetSuite account."""

    name = "erp"

    def __init__(self, data: Path, faults: FaultSettings | None = None) -> None:
        super().__init__(data, faults)
        self.records = Records(self.journal)
        self.tokens = Tokens()
        self.limits = ErpLimits()
        self.open_gate([*self._vendor_routes(), *self._control_routes()], ErpManners(self.tokens))
        self.gate.concurrency = self.limits.concurrency

    def _vendor_routes(self) -> list[Route]:
        one = RECORD + "/{kind}/{key:path}"
        transform = RECORD + "/salesOrder/{key}/!transform/itemFulfillment"
        return [
            Route(TOKEN_PATH, self.give_token, methods=["POST"]),
            Route("/services/rest/query/v1/suiteql", polite(self.query), methods=["POST"]),
            Route(transform, polite(self.transform), methods=["POST"]),
            Route(RECORD + "/{kind}", polite(self.create), methods=["POST"]),
            Route(RECORD + "/{kind}", polite(self.search), methods=["GET"]),
            Route(one, polite(self.show), methods=["GET"]),
            Route(one, polite(self.upsert), methods=["PUT"]),
            Route(one, polite(self.patch), methods=["PATCH"]),
        ]

    def _control_routes(self) -> list[Route]:
        return [
            settings_route("/limits", lambda: asdict(self.limits), self._change_limits),
            control_route("/expire-tokens", self._expire_tokens, ["POST"]),
        ]

    async def give_token(self, request: Request) -> Response:
        return await answer_token_request(request, self.tokens)

    async def query(self, request: Request) -> Response:
        body = await _object(request)
        if "transient" not in request.headers.get("prefer", ""):
            detail = "Invalid header: the Prefer header must be set to transient."
            raise ErpProblem(400, "INVALID_HEADER", detail)
        kinds = [kind for kind, (name, _prefix) in TYPES.items() if name]
        records = [record for kind in kinds for record in self.records.all_of(kind)]
        items = run_query(str(body.get("q", "")), records)
        return _page(request, [{"links": [], **row} for row in items])

    async def transform(self, request: Request) -> Response:
        order = self.records.find("salesOrder", request.path_params["key"])
        fulfilment = transform_order(self.records, order, await _object(request))
        return await self._written(request, fulfilment)

    async def create(self, request: Request) -> Response:
        kind = _kind(request)
        if kind == "itemFulfillment":
            raise ErpProblem(405, "METHOD_NOT_ALLOWED", "Transform a sales order instead.")
        return await self._written(request, self.records.create(kind, await _object(request)))

    async def upsert(self, request: Request) -> Response:
        kind, key = _kind(request), request.path_params["key"]
        if not key.startswith("eid:") or len(key) < 5:
            detail = "Upsert needs an external id, given as eid:<external id>."
            raise ErpProblem(400, "INVALID_PARAMETER", detail)
        body = await _object(request)
        if body.setdefault("externalId", key[4:]) != key[4:]:
            detail = "The external id in the body is not the one in the address."
            raise ErpProblem(400, "INVALID_CONTENT", detail, "externalId")
        record = self.records.find_external(kind, key[4:])
        if record is None:
            return await self._written(request, self.records.create(kind, body))
        return await self._written(request, self.records.update(record, body))

    async def patch(self, request: Request) -> Response:
        record = self.records.find(_kind(request), request.path_params["key"])
        return await self._written(request, self.records.update(record, await _object(request)))

    async def show(self, request: Request) -> Response:
        record = self.records.find(_kind(request), request.path_params["key"])
        expand = request.query_params.get("expandSubResources", "").lower() == "true"
        return JSONResponse(_public(request, record, expand=expand))

    async def search(self, request: Request) -> Response:
        kind, text = _kind(request), request.query_params.get("q")
        records = self.records.all_of(kind)
        if text is not None:
            wanted = _SEARCH.match(text)
            if not wanted:
                detail = "Invalid query: only externalId IS is known here."
                raise ErpProblem(400, "INVALID_PARAMETER", detail, "q")
            found = self.records.find_external(kind, wanted[1])
            records = [found] if found else []
        items = [{"links": [_link(request, record)], "id": record["id"]} for record in records]
        return _page(request, items)

    async def _written(self, request: Request, record: Record) -> Response:
        await self.journal.commit()
        return Response(status_code=204, headers={"location": _link(request, record)["href"]})

    async def _expire_tokens(self, _request: Request) -> Response:
        return JSONResponse({"expired": self.tokens.expire_all()})

    def _change_limits(self, values: dict[str, Any]) -> None:
        self.limits = change_settings(self.limits, values)
        self.gate.concurrency = self.limits.concurrency
        self.tokens.lifetime_s = self.limits.token_lifetime_s


def polite(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Turn a problem into NetSuite's error body."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ErpProblem as problem:
            return rendered(problem)

    return handle


async def _object(request: Request) -> Record:
    body = await request.body()
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise ErpProblem(400, "INVALID_CONTENT", f"Invalid content: {error}") from error
    if not isinstance(value, dict):
        raise ErpProblem(400, "INVALID_CONTENT", "Invalid content: an object is needed.")
    return value


def _kind(request: Request) -> str:
    kind = str(request.path_params["kind"])
    if kind not in TYPES:
        raise ErpProblem(404, "NONEXISTENT_TYPE", f"Record type '{kind}' does not exist.")
    return kind


def _link(request: Request, record: Record) -> dict[str, str]:
    base = f"{request.url.scheme}://{request.url.netloc}{RECORD}"
    return {"rel": "self", "href": f"{base}/{record['_type']}/{record['id']}"}


def _public(request: Request, record: Record, *, expand: bool) -> Record:
    link = _link(request, record)
    shown = {name: value for name, value in record.items() if not name.startswith("_")}
    if "orderStatus" in shown:
        shown["status"] = shown["orderStatus"]
    if "item" in shown and not expand:
        shown["item"] = {"links": [{"rel": "self", "href": link["href"] + "/item"}]}
    return {"links": [link], **shown}


def _page(request: Request, items: list[Any]) -> Response:
    limit = _whole(request.query_params.get("limit", str(_MAX_PAGE)), "limit")
    offset = _whole(request.query_params.get("offset", "0"), "offset")
    page = items[offset : offset + min(limit, _MAX_PAGE)]
    body = {
        "links": [],
        "count": len(page),
        "hasMore": offset + len(page) < len(items),
        "items": page,
        "offset": offset,
        "totalResults": len(items),
    }
    return JSONResponse(body)


def _whole(text: str, name: str) -> int:
    if not text.isdigit():
        raise ErpProblem(400, "INVALID_PARAMETER", f"Invalid {name}: {text}", name)
    return int(text)
