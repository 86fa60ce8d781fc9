"""A warehouse that takes every order at once and forgets it."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

_numbers = count(1)


async def warehouse(scope: Any, receive: Any, send: Any) -> None:
    """Answers a posted outbound order as a warehouse does."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    order = json.loads(body) | {"id": f"WO-{next(_numbers)}", "status": "received"}
    answer = json.dumps(order).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
