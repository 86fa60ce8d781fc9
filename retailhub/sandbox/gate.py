"""What happens to a call before it reaches a simulated system, and to the answer after it."""

import asyncio
import hashlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retailhub.sandbox.faults import Faults
from retailhub.sandbox.journal import CALL, Call

CONTROL_PREFIX = "/_sandbox/"
# 504 and a dropped line are equally likely when an answer comes too late.
_LATE_DROPS_EVERY = 2


@dataclass(frozen=True)
class Asked:
    """One call, read to its end."""

    scope: Scope
    headers: Headers
    body: bytes

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def trace_id(self) -> str:
        return self.headers.get("x-trace-id", "")


class Manners(Protocol):
    """How a vendor words its refusals, and what counts as a write with it."""

    def refuse(self, asked: Asked) -> Response | None:
        """The answer to a caller without valid credentials, or None for one who may pass."""

    def expired(self, asked: Asked) -> Response | None:
        """The answer to credentials that have run out, or None for a call that needs none."""

    def too_many(self, asked: Asked, retry_after_s: float) -> Response: ...
    def unavailable(self, retry_after_s: float) -> Response: ...
    def timed_out(self) -> Response: ...
    def is_write(self, asked: Asked) -> bool: ...


@dataclass
class Answer:
    """An answer held back until the faults have had their turn."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def cut(self) -> None:
        """Lose the second half of the body, and say so nowhere."""
        self.body = self.body[: len(self.body) // 2]
        self.headers = [pair for pair in self.headers if pair[0].lower() != b"content-length"]
        self.headers.append((b"content-length", str(len(self.body)).encode()))

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class CallLog:
    """When each call came and how it was answered: what a rate limit is checked against."""

    def __init__(self, path: Path) -> None:
        self.recent: deque[dict[str, Any]] = deque(maxlen=100_000)
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def add(self, asked: Asked, started: float, status: int) -> None:
        line = {
            "at": round(started, 6),
            "took_ms": round((time.time() - started) * 1000, 2),
            "method": asked.method,
            "path": asked.path,
            "status": status,
            "trace_id": asked.trace_id,
        }
        self.recent.append(line)
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        self._file.close()


class Gate:
    """The door of a simulated system: its credentials, limits and faults."""

    def __init__(self, app: ASGIApp, faults: Faults, log: CallLog, manners: Manners) -> None:
        self.app, self.faults, self.log, self.manners = app, faults, log, manners
        self.concurrency = 0  # 0 = no limit
        self._inside = 0
        self._late_calls = 0
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        started = time.time()
        asked = Asked(scope, Headers(scope=scope), await _read(receive))
        answer = await self._within_limit(asked)
        if answer is None:
            self.log.add(asked, started, 0)
            await _hang_up(send)
            return
        self.log.add(asked, started, answer.status)
        await answer.send(send)

    async def _within_limit(self, asked: Asked) -> Answer | None:
        if self.concurrency and self._inside >= self.concurrency:
            return await _rendered(asked, self.manners.too_many(asked, 1.0))
        self._inside += 1
        try:
            return await self._answer(asked)
        finally:
            self._inside -= 1

    async def _answer(self, asked: Asked) -> Answer | None:
        """The answer to send, or None when the line is to be dropped."""
        refusal = self._refusal(asked)
        if refusal is not None:
            return await _rendered(asked, refusal)
        await asyncio.sleep(self.faults.latency_s())
        if self.faults.strikes("late_apply") and self.manners.is_write(asked):
            return await self._answer_late(asked)
        answer, applied = await self._pass_on(asked)
        return await self._after(asked, answer) if applied else answer

    def _refusal(self, asked: Asked) -> Response | None:
        settings = self.faults.settings
        if settings.maintenance:
            self._land("maintenance", asked)
            return self.manners.unavailable(settings.retry_after_s)
        if self.faults.strikes("expired_credentials"):
            expired = self.manners.expired(asked)
            if expired is not None:
                self._land("expired_credentials", asked)
                return expired
        refusal = self.manners.refuse(asked)
        if refusal is not None:
            return refusal
        if self.faults.strikes("error_429"):
            self._land("error_429", asked)
            return self.manners.too_many(asked, settings.retry_after_s)
        if self.faults.strikes("error_5xx_before"):
            self._land("error_5xx_before", asked)
            return self.manners.unavailable(settings.retry_after_s)
        return None

    async def _pass_on(self, asked: Asked) -> tuple[Answer, bool]:
        call = Call(asked.trace_id, hashlib.sha256(asked.body).hexdigest())
        token = CALL.set(call)
        answer = Answer()
        try:
            await self.app(asked.scope, _replay(asked.body), answer.collect)
        finally:
            CALL.reset(token)
        return answer, call.applied > 0

    async def _after(self, asked: Asked, answer: Answer) -> Answer | None:
        """What becomes of the answer to a call that changed something."""
        if self.faults.strikes("error_5xx_after"):
            self._land("error_5xx_after", asked)
            failure = self.manners.unavailable(self.faults.settings.retry_after_s)
            return await _rendered(asked, failure)
        if self.faults.strikes("lost_response"):
            self._land("lost_response", asked)
            return None
        if answer.body and self.faults.strikes("broken_json"):
            self._land("broken_json", asked)
            answer.cut()
        return answer

    async def _answer_late(self, asked: Asked) -> Answer | None:
        self._land("late_apply", asked)
        task = asyncio.create_task(self._apply_later(asked))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        self._late_calls += 1
        if self._late_calls % _LATE_DROPS_EVERY == 0:
            return None
        return await _rendered(asked, self.manners.timed_out())

    async def _apply_later(self, asked: Asked) -> None:
        await asyncio.sleep(self.faults.settings.late_apply_s)
        await self._pass_on(asked)

    def _land(self, name: str, asked: Asked) -> None:
        self.faults.land(name, f"{asked.method} {asked.path}", asked.trace_id)


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes) -> Callable[[], Awaitable[Message]]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _rendered(asked: Asked, response: Response) -> Answer:
    answer = Answer()
    await response(asked.scope, _replay(b""), answer.collect)
    return answer


async def _hang_up(send: Send) -> None:
    """Drop the connection without a word, as a broken network does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionError("the server offers no connection that could be dropped")
    transport.abort()
    # Let the server notice, or it would try to answer 500 on a closed line and log an error.
    await asyncio.sleep(0.001)
