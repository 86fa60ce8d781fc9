"""Which journey does this line, row or call belong to?

A trace id is set when the first byte arrives and carried to the last effect: on rows, log lines,
outgoing headers and live hints.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

HEADER = "X-Trace-Id"

_current: ContextVar[UUID | None] = ContextVar("trace_id", default=None)


def new_trace_id() -> UUID:
    """A time-ordered UUID (version 7, RFC 9562), so that traces index and sort by age."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def current_trace_id() -> UUID | None:
    """The trace of the work under way, or None outside of any."""
    return _current.get()


@contextmanager
def tracing(trace_id: UUID) -> Iterator[None]:
    """Everything inside belongs to `trace_id`."""
    token = _current.set(trace_id)
    try:
        yield
    finally:
        _current.reset(token)
