"""Sends a POST and reads the status: all that a webhook needs, at a fraction of a client's cost.

The sandbox shares two cores with the hub it tests. A general HTTP client took longer per webhook
than the shop took to make the order.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

CONNECT_TIMEOUT_S = 1.0
TOTAL_TIMEOUT_S = 5.0


class PostFailed(Exception):
    """No answer came back: nobody there, too slow, or not HTTP."""


@dataclass
class Line:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_usable(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    async def exchange(self, request: bytes) -> tuple[int, bool]:
        """The status, and whether the connection may be used again."""
        self.writer.write(request)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        fields = dict(line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line)
        length = fields.get("content-length", "0" if status == 204 else "").strip()
        if not length.isdigit():
            return status, False  # a body of unknown length: cheaper to call again than to read it
        await self.reader.readexactly(int(length))
        return status, fields.get("connection", "").strip() != "close"


class Poster:
    """Posts to any address and keeps the lines open."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Line]] = {}

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer. Raises PostFailed."""
        target = urlsplit(url)
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                line = self._free_line(target) or await _dial(target)
                status, may_stay = await _exchange(line, _request(target, headers, body))
        except (OSError, TimeoutError, EOFError, ValueError, IndexError) as error:
            raise PostFailed(str(error)) from error
        if may_stay:
            self._idle.setdefault(target.netloc, []).append(line)
        else:
            line.writer.close()
        return status

    async def close(self) -> None:
        for line in [line for lines in self._idle.values() for line in lines]:
            line.writer.close()
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()
        self._idle.clear()

    def _free_line(self, target: SplitResult) -> Line | None:
        lines = self._idle.get(target.netloc, [])
        while lines:
            line = lines.pop()
            if line.is_usable():
                return line
            line.writer.close()
        return None


async def _exchange(line: Line, request: bytes) -> tuple[int, bool]:
    try:
        return await line.exchange(request)
    except BaseException:  # cancelled too: half an answer may still come on it
        line.writer.close()
        raise


async def _dial(target: SplitResult) -> Line:
    is_secure = target.scheme == "https"
    port = target.port or (443 if is_secure else 80)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        return Line(*await asyncio.open_connection(target.hostname, port, ssl=is_secure or None))


def _request(target: SplitResult, headers: dict[str, str], body: bytes) -> bytes:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {target.netloc}",
        "accept: */*",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
