"""Business Central as far as its documentation goes: a small ASGI application on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving import on_a_port

SECRET = "s3cret-of-the-app"
COMPANY = "/v2.0/t-1/production/api/v2.0/companies(c-1)"


class Central:
    """`items` and `entries` are its tables; pages hold `most` rows."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.most = 2
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.tokens: set[str] = set()
        self.origin = ""
        self.next_origin = ""  # where its next links point to; at itself by default
        self.throttled_for = ""
        self.app = Starlette(
            routes=[
                Route("/t-1/oauth2/v2.0/token", self.token, methods=["POST"]),
                Route(f"{COMPANY}/items", self.read_items),
                Route(f"{COMPANY}/itemLedgerEntries", self.read_entries),
            ]
        )

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v2.0/t-1/production"

    async def token(self, request: Request) -> Response:
        body = (await request.body()).decode()
        form = dict(part.split("=", 1) for part in body.split("&"))
        self.forms.append(form)
        if form.get("client_secret") != SECRET:
            return JSONResponse({"error": "invalid_client"}, 401)
        token = f"token-{len(self.forms)}"
        self.tokens.add(token)
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def read_items(self, request: Request) -> Response:
        return self._rows(request, self.items)

    async def read_entries(self, request: Request) -> Response:
        return self._rows(request, self.entries)

    def _rows(self, request: Request, table: list[dict[str, Any]]) -> Response:
        self.asked.append(request.url.path.rpartition("/")[2])
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return JSONResponse({"error": {"code": "Authentication_InvalidCredentials"}}, 401)
        if self.throttled_for:
            return JSONResponse({"error": {}}, 429, {"retry-after": self.throttled_for})
        wanted = request.query_params["$filter"]
        since = re.fullmatch(r"lastModifiedDateTime gt (\S+)", wanted)
        named = {n.replace("''", "'") for n in re.findall(r"number eq '((?:[^']|'')*)'", wanted)}
        found = [
            row
            for row in table
            if (row["lastModifiedDateTime"] > since[1] if since else row["number"] in named)
        ]
        skip = int(request.query_params.get("$skiptoken", "0"))
        answer: dict[str, Any] = {"value": found[skip : skip + self.most]}
        if len(found) > skip + self.most:
            more = request.url.include_query_params(**{"$skiptoken": skip + self.most})
            origin = self.next_origin or self.origin
            answer["@odata.nextLink"] = f"{origin}{more.path}?{more.query}"
        return JSONResponse(answer)


def item(number: str, inventory: Any, **more: Any) -> dict[str, Any]:
    """An item as the API shows it."""
    told = {
        "id": f"id-{number}",
        "number": number,
        "type": "Inventory",
        "blocked": False,
        "inventory": inventory,
        "baseUnitOfMeasureCode": "PCS",
        "lastModifiedDateTime": "2020-01-01T00:00:00Z",
    }
    return {**told, **more}


@contextmanager
def serving(central: Central) -> Iterator[Central]:
    """On a port of its own, until the block ends."""
    with on_a_port(central.app) as central.origin:
        yield central
