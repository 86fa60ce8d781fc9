"""The product as its own processes serve it, in threads: web server and worker."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from django.db import connection

from connectors.drains import drain_inbox, drain_outbox
from exceptions.drains import drive_replays
from orders.drains import advance_orders

LOOKS: Sequence[Callable[[], int]] = (drain_inbox, advance_orders, drain_outbox, drive_replays)
PAUSE = 0.1


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """The address under which `application` answers meanwhile."""
    config = uvicorn.Config(
        application, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        thread = threading.Thread(target=server.run, args=([listener],), name="web")
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def working(looks: Sequence[Callable[[], int]] = LOOKS) -> Iterator[None]:
    """Somebody processes what comes in and sends what is owed."""
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                if sum(look() for look in looks) == 0:
                    stop.wait(PAUSE)
        finally:
            connection.close()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
