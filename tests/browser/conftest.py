"""A real server, a real browser: each test sees what a person sees."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from exceptions.models import ExceptionCase, Team
from inventory.models import Item
from orders.models import Order, Shipment
from tests.browser.serving import serving, working
from tests.browser.world import FakeSink, order_arrives, orders_arrive
from tests.conftest import Stock

T = TypeVar("T")
HERE = Path(__file__).parent
WAIT = 60_000  # milliseconds; a busy machine is not a broken page
expect.set_options(timeout=WAIT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory drives a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


def chromium() -> str:
    """Where Chromium is. Skips without one, unless REQUIRE_BROWSER says that it must be there."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is not None:
        return found
    reason = "no Chromium on this machine: install it, or say where it is with CHROMIUM"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here, and gone after them: its loop would be in others' way."""
    path = chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps a loop in this thread; our rows are still read by plain calls.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
        connections.close_all()


def application() -> Any:
    """The product. Importing it tells Django to pool connections, which is for whole processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_POOL", "0")
        from retailhub.asgi import Application  # noqa: PLC0415

    return Application()


@dataclass
class House:
    """The running product, and the world around it."""

    address: str
    erp: FakeSink = field(default_factory=FakeSink)
    wms: FakeSink = field(default_factory=FakeSink)
    shop: FakeSink = field(default_factory=FakeSink)

    def do(self, work: Callable[[], T]) -> T:
        """Do something as another process would, so that open pages hear of it."""

        def run() -> T:
            try:
                return work()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()


@pytest.fixture
def house(browser: Browser, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Web server and worker, until the test is over."""
    # No thread may keep a connection: the test database goes away under it.
    monkeypatch.setitem(django_settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    made = House("")
    for system, sink in (("netsuite", made.erp), ("warehouse", made.wms), ("shopify", made.shop)):
        monkeypatch.setitem(SINKS, system, sink)
    with ExitStack() as stack:
        made.address = stack.enter_context(serving(application()))
        stack.enter_context(working())
        yield made


@dataclass
class Trouble:
    """Everything a page complained about. `is_meant` when a test breaks something on purpose."""

    lines: list[str] = field(default_factory=list)
    is_meant: bool = False

    def watch(self, page: Page) -> None:
        """Listen to console, exceptions and requests. A page that is left drops its requests."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(f"{message.text} {message.location.get('url', '')}".rstrip())

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":
            self._note(f"{request.method} {request.url}: {request.failure}")

    def _note(self, text: str) -> None:
        # A form that comes back with its mistakes named is an answer, not a failure.
        if not re.search(r"status of (409|422)", text):
            self.lines.append(text)


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


class Open:
    """Opens windows, each signed in as somebody."""

    def __init__(self, browser: Browser, house: House, trouble: Trouble) -> None:
        self._browser, self._house, self._trouble = browser, house, trouble
        self.windows: list[BrowserContext] = []

    def __call__(self, user: User | None = None, **options: Any) -> Page:
        window = self._browser.new_context(
            base_url=self._house.address, viewport={"width": 1440, "height": 900}, **options
        )
        window.set_default_timeout(WAIT)
        self.windows.append(window)
        if user is not None:
            window.add_cookies([self._session(user)])
        page = window.new_page()
        self._trouble.watch(page)
        return page

    def _session(self, user: User) -> Any:
        client = Client()
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        return {"name": name, "value": client.cookies[name].value, "url": self._house.address}


@pytest.fixture
def open_page(browser: Browser, house: House, trouble: Trouble) -> Iterator[Open]:
    """A signed-in window per call: `open_page(ana)`. Whatever its pages complain of fails."""
    opener = Open(browser, house, trouble)
    yield opener
    for window in opener.windows:
        window.close()
    assert trouble.is_meant or trouble.lines == []


@pytest.fixture
def shelf(stock: Stock) -> None:
    """What we sell, under our own names."""
    for sku, name in (("MUG", "Plain mug"), ("MUG-WINTER", "Mug, winter edition"), ("POT", "Pot")):
        stock(sku, 50)
        Item.objects.filter(sku=sku).update(name=name)


@pytest.fixture
def lead(ana: User, orders_team: Team, webshop: Connection, erp: Connection) -> User:
    """Ana leads: she may edit mappings, and her team looks after all connections."""
    orders_team.connections.add(webshop, erp)
    ana.groups.add(Group.objects.get_or_create(name="lead")[0])
    return ana


@pytest.fixture
def journey(house: House, shelf: None, lead: User, wms: Connection, webshop: Connection) -> Order:
    """An order that has left: the ERP has it, the warehouse sent a parcel."""
    house.do(lambda: order_arrives(webshop, "W-1"))
    until(lambda: len(house.erp.sent) == 1 and len(house.wms.sent) == 1)
    order = Order.objects.get()
    until(lambda: not OutboundMessage.objects.exclude(state="SENT").exists())
    Shipment.objects.create(
        fulfillment_order=order.fulfillment_orders.get(),
        external_id="parcel-1",
        carrier="DHL",
        tracking_number="00340434161094000001",
        shipped_at=timezone.now(),
    )
    return order


@pytest.fixture
def unknown_sku(house: House, webshop: Connection) -> Callable[..., None]:
    """Orders of something whose name nobody told us: each becomes an exception."""

    def order(*numbers: str, sku: str = "MUG-XMAS") -> None:
        before = ExceptionCase.objects.count()
        house.do(lambda: orders_arrive(webshop, numbers, sku))
        until(lambda: ExceptionCase.objects.count() == before + len(numbers))

    return order


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for the workers."""
    limit = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.03)


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Keep a picture of the page in light and dark where PICTURES names a folder."""
    folder = os.environ.get("PICTURES")

    def take(page: Page, name: str) -> None:
        for theme in ("dark", "light") if folder else ():
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            page.screenshot(path=f"{folder}/{name}-{theme}.png")

    return take
