"""A small real HTTP server that answers as a test scripts it and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Scripted:
    """One answer. `drops` closes the line instead; `drips` sends the body a byte at a time."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False
    drips: float = 0.0

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Remote:
    """The server: `will_answer` scripts, `asked` tells."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._script: deque[Scripted] = deque()
        remote = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                remote._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def will_answer(self, *script: Scripted) -> None:
        self._script.extend(script)

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        parts = urlsplit(handler.path)
        self.asked.append(
            Asked(
                method=handler.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in handler.headers.items()},
                body=handler.rfile.read(length),
            )
        )
        answer = self._script.popleft() if self._script else Scripted(599, b"nothing scripted")
        if answer.drops:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(answer.content)))
        handler.end_headers()
        self._write(handler, answer)

    def _write(self, handler: BaseHTTPRequestHandler, answer: Scripted) -> None:
        if not answer.drips:
            handler.wfile.write(answer.content)
            return
        try:
            for place in range(len(answer.content)):
                handler.wfile.write(answer.content[place : place + 1])
                time.sleep(answer.drips)
        except OSError:
            handler.close_connection = True
