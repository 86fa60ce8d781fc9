"""A trace id says when its journey began, and everything inside belongs to it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import time_machine

from retailhub.kernel.trace import current_trace_id, new_trace_id, tracing


def test_trace_ids_sort_by_time() -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC), tick=False) as clock:
        traces = []
        for _ in range(200):
            clock.shift(0.001)
            traces.append(new_trace_id())

    assert traces == sorted(traces)
    assert {(trace.version, trace.variant) for trace in traces} == {(7, "specified in RFC 4122")}


def test_no_two_are_alike() -> None:
    assert len({new_trace_id() for _ in range(10_000)}) == 10_000


def test_the_trace_of_the_work_under_way_ends_with_it() -> None:
    outer, inner = new_trace_id(), new_trace_id()

    with tracing(outer):
        with tracing(inner):
            assert current_trace_id() == inner
        assert current_trace_id() == outer
    assert current_trace_id() is None


def test_another_thread_is_on_no_journey() -> None:
    seen = []

    with tracing(new_trace_id()):
        thread = threading.Thread(target=lambda: seen.append(current_trace_id()))
        thread.start()
        thread.join()

    assert seen == [None]
