"""A real Chromium in front of the product, and all that it transfers and complains of."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Request, Response, sync_playwright

VITALS = Path(__file__).with_name("vitals.js")


@dataclass
class Traffic:
    """What came over the line since the last `clear`, in bytes as they were sent."""

    bodies: Counter[str] = field(default_factory=Counter)  # by Chromium's name of their kind
    everything: int = 0  # with headers
    requests: int = 0
    _begun: dict[str, tuple[str, int]] = field(default_factory=dict)

    def listen(self, session: CDPSession) -> None:
        """Chromium's own account; an answer out of the cache has zero bytes and does not count."""
        session.send("Network.enable")
        session.on("Network.responseReceived", self._began)
        session.on("Network.loadingFinished", self._ended)

    def clear(self) -> None:
        """Begin at zero."""
        self.bodies.clear()
        self.everything = self.requests = 0

    def _began(self, event: Any) -> None:
        headers = int(event["response"]["encodedDataLength"])
        self._begun[event["requestId"]] = (event["type"], headers)

    def _ended(self, event: Any) -> None:
        if size := int(event["encodedDataLength"]):
            kind, headers = self._begun[event["requestId"]]
            self.bodies[kind] += size - headers
            self.everything += size
            self.requests += 1


@dataclass
class Complaints:
    """What must not happen on any page, in the words of the browser."""

    origin: str
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)
    refused: int = 0  # by the content security policy

    def watch(self, page: Page) -> None:
        """Listen until the page closes."""
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.console.append(text)
            self.refused += "Content Security Policy" in text

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.abroad.append(request.url)

    def _failed(self, request: Request) -> None:
        # A page that is left drops what it still asks for.
        if request.failure != "net::ERR_ABORTED":
            self.failed.append(f"{request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.url}: {response.status}")


@dataclass
class Window:
    """One page with an empty cache, and its meters."""

    page: Page
    session: CDPSession
    traffic: Traffic
    sockets: list[str]

    def load(self, address: str) -> None:
        """Go there and wait until nothing more comes. Anything but a page is no measurement."""
        answer = self.page.goto(address, wait_until="load")
        if answer is None or answer.status != 200:
            raise SystemExit(f"{address} answered {answer and answer.status}")
        # The socket stays open, which is no load; a late font or icon comes within this.
        self.page.wait_for_timeout(400)

    def vital(self, name: str) -> Any:
        """One of the figures that `vitals.js` keeps."""
        return self.page.evaluate("name => globalThis.vitals[name]", name)

    def forget(self, *names: str) -> None:
        """Empty these lists of `vitals.js`."""
        self.page.evaluate("names => names.forEach((name) => (vitals[name] = []))", list(names))

    def nodes_and_heap(self) -> tuple[float, float]:
        """DOM nodes and bytes of JavaScript that are in use, without what is only not swept yet."""
        self.session.send("HeapProfiler.collectGarbage")
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        named = {metric["name"]: float(metric["value"]) for metric in metrics}
        return named["Nodes"], named["JSHeapUsedSize"]


@dataclass(frozen=True)
class Desk:
    """Opens windows of one person who is signed in."""

    browser: Browser
    origin: str
    cookie: Any
    complaints: Complaints

    @contextmanager
    def window(self, *, slower: int = 1) -> Iterator[Window]:
        """A window with a cold cache, its processor so many times slower than this machine's."""
        context = self.browser.new_context(
            base_url=self.origin, viewport={"width": 1440, "height": 900}
        )
        context.add_cookies([self.cookie])
        context.add_init_script(path=VITALS)
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        session.send("Performance.enable")
        made = Window(page, session, Traffic(), [])
        made.traffic.listen(session)
        self.complaints.watch(page)
        page.on("websocket", lambda socket: made.sockets.append(socket.url))
        try:
            yield made
        finally:
            context.close()


@contextmanager
def desk(origin: str, *, session_name: str, session_key: str) -> Iterator[Desk]:
    """Chromium with this person's session, as long as it is needed."""
    cookie = {"name": session_name, "value": session_key, "url": origin}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        yield Desk(browser, origin, cookie, Complaints(origin))
        browser.close()


def _chromium() -> str:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    return found or sys.exit("benchmarks: no Chromium; install it, or say where with CHROMIUM.")
