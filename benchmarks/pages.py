"""The console's pages in a real Chromium with a hundred thousand open cases, against their budgets.

No peer and no limit here: each line is one budget, what was measured, and whether it is met. Times
are those of a processor four times slower than this machine's, with the server on this machine.
How often a page asks the database is held by tests/console/test_queries.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User

from benchmarks.budgets import Budget, Verdict
from benchmarks.cases import fill, signed_in
from benchmarks.changes import changing
from benchmarks.chromium import Complaints, Desk, Window, desk
from benchmarks.estate import order_bodies, prepare
from benchmarks.measure import percentile
from benchmarks.orders import fill as fill_inbox
from benchmarks.orders import take
from benchmarks.servers import serving
from exceptions.models import ExceptionCase
from orders.models import Order

SLOWER = 4
KINDS = {
    "Document": ("HTML", 30),
    "Stylesheet": ("CSS", 15),
    "Script": ("JS", 40),
    "Font": ("fonts", 50),
}
SHORTEST = 16.0  # milliseconds: the browser tells of no shorter event
MB, KB = 1_000_000, 1_000


@dataclass(frozen=True)
class Length:
    """How often and how long."""

    loads: int
    presses: int
    live_seconds: int
    minutes: float


@dataclass(frozen=True)
class Place:
    """What the pages are about."""

    addresses: tuple[str, ...]
    colleague_id: int


def run(*, quick: bool, minutes: float | None = None) -> Verdict:
    """Every budget, said as it is measured; a page stays open for `minutes` at the end."""
    length = Length(10, 15, 20, minutes or 2) if quick else Length(40, 40, 60, minutes or 60)
    prepare()
    fill_inbox(list(order_bodies(1)))
    take()
    admin, _ = fill()
    colleague = User.objects.create_superuser("colleague", password=None)
    place = Place(_addresses(), colleague.pk)
    key = signed_in(admin).cookies[settings.SESSION_COOKIE_NAME].value
    budgets = []
    with (
        serving("retailhub.asgi:application") as server,
        desk(
            f"http://127.0.0.1:{server.port}",
            session_name=settings.SESSION_COOKIE_NAME,
            session_key=key,
        ) as opened,
    ):
        for budget in _all(opened, place, length):
            print(budget.line(), flush=True)
            budgets.append(budget)
    return Verdict("pages", budgets, os.getloadavg()[0])


def _addresses() -> tuple[str, ...]:
    case, order = ExceptionCase.objects.latest("pk"), Order.objects.latest("pk")
    return ("/queue/", f"/queue/{case.pk}/", f"/orders/{order.pk}/", "/inventory/", "/connections/")


def _all(desk: Desk, place: Place, length: Length) -> Iterator[Budget]:
    with desk.window() as window:  # nobody is the first to ask a web process
        for address in place.addresses * 2:
            window.load(address)
    yield from _weight(desk)
    yield from _speed(desk, length.loads)
    yield from _shift(desk, place, length.live_seconds)
    yield from _keys(desk, length.presses)
    yield from _pane(desk, length.presses)
    yield from _hours(desk, place, length.minutes)
    yield from _complaints(desk.complaints)


def _weight(desk: Desk) -> Iterator[Budget]:
    """1 and 2: what comes over the line, first and later."""
    with desk.window() as window:
        window.load("/queue/")
        traffic = window.traffic
        for kind, (name, most) in KINDS.items():
            yield Budget(1, f"cold /queue/, {name}", traffic.bodies[kind] / KB, most, "kB")
        yield Budget(1, "cold /queue/, with headers", traffic.everything / KB, 150, "kB")
        yield Budget(1, "cold /queue/, requests", traffic.requests, 8, "requests")
        heaviest = 0
        for address in ("/connections/", "/queue/", "/inventory/", "/queue/?view=breaching"):
            traffic.clear()
            window.load(address)
            heaviest = max(heaviest, traffic.everything)
        yield Budget(2, "warm navigation, the heaviest", heaviest / KB, 40, "kB")


def _speed(desk: Desk, loads: int) -> Iterator[Budget]:
    """3: until the first byte, and until there is something to see."""
    first_bytes, cold, warm, largest = [], [], [], []
    for _ in range(loads):
        with desk.window(slower=SLOWER) as window:
            window.load("/queue/")
            cold.append(window.vital("fcp"))
            largest.append(window.vital("lcp"))
            # The second load's: beside the first one Chromium still starts, on the server's cores.
            window.load("/queue/")
            first_bytes.append(_first_byte(window))
            warm.append(window.vital("fcp"))
    yield Budget(3, "/queue/, first byte, p95", _p95(first_bytes), 200, "ms")
    yield Budget(3, "/queue/, first contentful paint, cold, p95", _p95(cold), 800, "ms")
    yield Budget(3, "/queue/, first contentful paint, warm, p95", _p95(warm), 800, "ms")
    yield Budget(3, "/queue/, largest contentful paint, cold, p95", _p95(largest), 1_200, "ms")


def _first_byte(window: Window) -> float:
    script = """() => { const [load] = performance.getEntriesByType("navigation");
                        return load.responseStart - load.requestStart; }"""
    return float(window.page.evaluate(script))


def _shift(desk: Desk, place: Place, seconds: int) -> Iterator[Budget]:
    """4: nothing moves that nobody moved, neither while a page loads nor while others work."""
    for address in place.addresses:
        with desk.window(slower=SLOWER) as window:
            window.load(address)
            what = "/".join("…" if part.isdigit() else part for part in address.split("/"))
            yield Budget(4, f"layout shift on load of {what}", window.vital("shift"), 0, "CLS")
    with desk.window() as window:
        window.load("/queue/")
        before = _shown(window)
        with changing(list(before), actor_id=place.colleague_id) as done:
            window.page.wait_for_timeout(seconds * 1_000)
        what = f"layout shift over {seconds} s with {len(done) / seconds:.1f} changes a second"
        yield Budget(4, what, window.vital("shift"), 0.01, "CLS")
        _refuse_deaf(window, before)


def _shown(window: Window) -> dict[int, int]:
    """The cases on the page, and in which version."""
    script = """() => Object.fromEntries([...document.querySelectorAll("tr[data-id]")]
                                         .map((row) => [row.dataset.id, row.dataset.v]))"""
    return {int(pk): int(version) for pk, version in window.page.evaluate(script).items()}


def _refuse_deaf(window: Window, before: dict[int, int]) -> None:
    """A page that heard of no change was not measured while it changes."""
    if not any(version > before[pk] for pk, version in _shown(window).items() if pk in before):
        raise SystemExit("The page did not hear of the changes.")


def _keys(desk: Desk, presses: int) -> Iterator[Budget]:
    """5: from a key to what it does."""
    with desk.window(slower=SLOWER) as window:
        window.load("/queue/")
        for key in ("j", "k", "x"):
            window.forget("events")
            for _ in range(presses):
                window.page.keyboard.press(key)
                window.page.wait_for_timeout(150)
            worst = max(window.vital("events"), default=SHORTEST)
            yield Budget(5, f"interaction to next paint of {key}, the worst", worst, 100, "ms")
        moves = window.vital("cursor")
        yield Budget(5, "key to the cursor's move on screen, p95", _p95(moves), 50, "ms")
        yield from _tabs(window)


def _tabs(window: Window) -> Iterator[Budget]:
    """A tab is a page of its own: its answer to the key, and how soon the new list is there."""
    answers, waits = [SHORTEST], []
    window.forget("events")
    for key in "3142":
        window.page.keyboard.press(key)
        window.page.wait_for_timeout(1_500)
        left = window.page.evaluate(
            """() => ({ ...JSON.parse(sessionStorage.getItem("vitals")),
                        seen: performance.timeOrigin + vitals.fcp })"""
        )
        answers += left["events"]
        waits.append(left["seen"] - left["pressed"])
    yield Budget(5, "interaction to next paint of a tab change, the worst", max(answers), 100, "ms")
    yield Budget(3, "key to first contentful paint of another tab", max(waits), 800, "ms")


def _pane(desk: Desk, opened: int) -> Iterator[Budget]:
    """6: from a click on a row to its case on screen."""
    with desk.window(slower=SLOWER) as window:
        window.load("/queue/")
        links = window.page.locator("#rows a[data-open-row]")
        for number in range(opened):
            links.nth(number).click()
            window.page.wait_for_function(
                "wanted => vitals.panes.length === wanted", arg=number + 1
            )
        yield Budget(6, "click to the case on screen, p95", _p95(window.vital("panes")), 300, "ms")
        yield Budget(6, "frames without a pane meanwhile", window.vital("blank"), 0, "frames")


def _hours(desk: Desk, place: Place, minutes: float) -> Iterator[Budget]:
    """8: a page that stays open while others work grows no fatter."""
    with desk.window() as window:
        window.load("/queue/")
        before = _shown(window)
        with changing(list(before), actor_id=place.colleague_id):
            window.page.wait_for_timeout(15_000)  # every row has changed once
            nodes, heap = window.nodes_and_heap()
            window.page.wait_for_timeout(minutes * 60_000)
            nodes_after, heap_after = window.nodes_and_heap()
        _refuse_deaf(window, before)
        span = f"over {minutes:g} minutes of live changes"
        yield Budget(8, f"DOM nodes, change {span}", abs(nodes_after / nodes - 1) * 100, 5, "%")
        yield Budget(8, f"JavaScript heap, growth {span}", (heap_after - heap) / MB, 10, "MB")
        yield Budget(8, f"sockets opened {span}", len(window.sockets), 1, "sockets")


def _complaints(heard: Complaints) -> Iterator[Budget]:
    """9 and 10: over all of the above."""
    for line in (*heard.console, *heard.failed, *heard.abroad):
        print(line)
    yield Budget(9, "errors and warnings in the console", len(heard.console), 0, "lines")
    yield Budget(9, "violations of the content security policy", heard.refused, 0, "lines")
    yield Budget(9, "failed requests", len(heard.failed), 0, "requests")
    yield Budget(10, "requests that left the origin", len(heard.abroad), 0, "requests")


def _p95(values: list[float]) -> float:
    return percentile(sorted(values), 0.95)
