"""Somebody who wants to be told, and whose server answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exceptions.models import Subscription
from exceptions.models.hooks import Kind
from exceptions.services.subscriptions import keep_secret
from tests.exceptions.hooks.receiving import SECRET, Receiver, Subscribe


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made, is_over = Receiver(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
            is_over.wait(made.seconds)
            self.send_response(made.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/hooks?who=us"
    yield made
    is_over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def subscribe(db: None, receiver: Receiver) -> Subscribe:
    def make(**more: Any) -> Subscription:
        fields = {"name": "Pager", "url": receiver.url, "kinds": list(Kind.values), **more}
        row = Subscription(**fields)
        row.save()
        keep_secret(row, SECRET, now=datetime.now(UTC))
        row.save()
        return row

    return make


@pytest.fixture
def soon(now: datetime) -> datetime:
    """After all that a test does, however long it takes."""
    return now + timedelta(minutes=1)
