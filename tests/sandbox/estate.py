"""Starts simulated systems on free ports, and a hub that listens to their webhooks."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from retailhub.sandbox import credentials
from retailhub.sandbox.erp.access import TOKEN_PATH
from retailhub.sandbox.ledger import Ledger, read_ledger
from retailhub.sandbox.run import Server, config_for
from retailhub.sandbox.shop.system import GRAPHQL_PATH
from retailhub.sandbox.system import System

# Loading the world's certificates takes longer than most of these tests, and none is needed.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Heard:
    """A webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hub:
    """Answers webhooks with the statuses it is told, then with 200."""

    address: str = ""
    heard: list[Heard] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    takes_s: float = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        headers = dict(request.headers)
        self.heard.append(Heard(request.url.path, headers, await request.body()))
        await asyncio.sleep(self.takes_s)
        status = self.statuses.pop(0) if self.statuses else 200
        await Response(status_code=status)(scope, receive, send)

    async def wait_for(self, count: int) -> list[Heard]:
        await eventually(lambda: len(self.heard) >= count)
        return self.heard


@dataclass
class Running:
    """A simulated system that serves, and a client for it."""

    system: System
    data: Path
    client: httpx.AsyncClient

    @property
    def ledger(self) -> Ledger:
        return read_ledger(self.data / self.system.name)

    async def faults(self, **values: Any) -> None:
        answer = await self.client.put("/_sandbox/faults", json=values)
        assert answer.status_code == 200, answer.text

    async def landed(self) -> dict[str, int]:
        landed: dict[str, int] = (await self.client.get("/_sandbox/faults")).json()["landed"]
        return landed

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.client.post("/_sandbox" + path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def set(self, path: str, **body: Any) -> Any:
        answer = await self.client.put("/_sandbox" + path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def graphql(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return (await self.client.post(GRAPHQL_PATH, json=body)).json()


async def eventually(is_so: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)


class QuickServer(Server):
    """Notices within a hundredth of a second, not a tenth, that it should stop."""

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop without the tenth of a second that is meant for clients still reading."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(server: uvicorn.Server) -> AsyncIterator[str]:
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.sleep(0.01)  # let it see that its clients have gone, or it waits for them
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def running(system: System, data: Path) -> AsyncIterator[Running]:
    async with (
        serving(QuickServer(config_for(system, "127.0.0.1", 0))) as address,
        httpx.AsyncClient(base_url=address, timeout=10, trust_env=False, verify=PLAIN) as client,
    ):
        yield Running(system, data, client)


async def log_in(erp: Running) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.ERP_CLIENT_ID,
        "client_secret": credentials.ERP_CLIENT_SECRET,
    }
    answer = await erp.client.post(TOKEN_PATH, data=form)
    erp.client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
