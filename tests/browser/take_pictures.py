"""Takes the pictures of the README: the real product, a minute of its own traffic, a tidy desk.

python -m retailhub.local exec --ephemeral -- python -m tests.browser.take_pictures docs
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import django
import httpx
from playwright.sync_api import Browser, Page, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from connectors.drains import drain_stock  # noqa: E402
from connectors.models import Connection, InboundMessage  # noqa: E402
from exceptions.models import ExceptionCase  # noqa: E402
from exceptions.models.cases import OPEN_STATES  # noqa: E402
from exceptions.services import acts  # noqa: E402
from inventory.availability import Knob  # noqa: E402
from inventory.models import AvailabilityRule, Channel, Item, Location  # noqa: E402
from inventory.services.keep_rule import keep_rule  # noqa: E402
from orders.models import Order  # noqa: E402
from retailhub.demo import PEOPLE, seed_demo  # noqa: E402
from retailhub.local.product import Ports  # noqa: E402
from retailhub.schedule import run_due_jobs  # noqa: E402
from tests.browser.png import smaller  # noqa: E402
from tests.browser.serving import LOOKS, serving, working  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
Theme = Literal["light", "dark"]
SECONDS = 75
SYSTEMS = ("SHOP", "ERP", "WMS", "MARKET")
# Customers who buy what was renamed or is nearly sold out; the rest of the mix stays as it is.
MIX = {"unknown_sku": 0.12, "scarce": 0.05}


@contextmanager
def estate(hub: str) -> Iterator[None]:
    """Shop, ERP and warehouse, busy."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "manage.py", "sandbox", "--hub", hub, "--rate", "90"]
        sandbox = subprocess.Popen([*command, "--data", data], stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            sandbox.terminate()
            sandbox.wait()


def steer(system: str, path: str, **values: Any) -> None:
    """Tell a simulated system how to behave."""
    address = f"http://127.0.0.1:{os.environ[f'SANDBOX_{system}_PORT']}/_sandbox{path}"
    for _ in range(100):
        try:
            httpx.put(address, json=values).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} does not answer")


def trade() -> None:
    """A minute of business, with some of what goes wrong in a month of it."""
    steer("SHOP", "/traffic", mix=MIX, cancel_share=0.05)
    steer("WMS", "/progress", short_share=0.08)
    for sku in ("LAMP-FLOOR", "MIRROR-ROUND"):
        order_many(sku, quantity=6, count=6)
    time.sleep(SECONDS * 0.5)
    steer("SHOP", "/faults", malformed_body=0.02)
    time.sleep(SECONDS * 0.5)
    steer("SHOP", "/faults", malformed_body=0)
    steer("SHOP", "/traffic", orders_per_minute=4)


def order_many(sku: str, **values: Any) -> None:
    """More than there is of one thing."""
    port = os.environ["SANDBOX_SHOP_PORT"]
    address = f"http://127.0.0.1:{port}/_sandbox/orders"
    httpx.post(address, json={"sku": sku, **values}).raise_for_status()


def tidy() -> None:
    """What a working morning leaves: most is solved, some is claimed, some can wait."""
    people = {user.username: user for user in User.objects.all()}
    now = timezone.now()
    cases = ExceptionCase.objects.filter(state__in=OPEN_STATES)
    for number, case in enumerate(cases.order_by("cause_id", "pk")):
        due = case.due_at - timedelta(minutes=7 * number % 55)
        ExceptionCase.objects.filter(pk=case.pk).update(due_at=due, harm_until=now)
        who = people["agent" if number % 2 else "lead"].pk
        if number % 5 == 1:
            acts.claim_case(case_id=case.pk, actor_id=who, now=now)
        elif number % 7 == 3:
            acts.snooze_case(case_id=case.pk, actor_id=who, minutes=240, now=now)
        elif number % 3 == 2 and case.context.get("external_code") != "MUG-XMAS-26":
            acts.resolve_case(
                case_id=case.pk, actor_id=who, reason="Agreed by phone", how="other way", now=now
            )


def mapping_case() -> ExceptionCase:
    """The one that frees most."""
    cases = ExceptionCase.objects.filter(code="connectors.mapping_missing", state="NEW")
    found = cases.filter(context__external_code="MUG-XMAS-26").order_by("due_at").first()
    if found is None:
        raise SystemExit("nobody bought what was renamed; try again")
    return found


def refused_orders(count: int) -> ExceptionCase:
    """Web orders are booked on a customer that NetSuite does not know. The worst of their cases."""
    erp = Connection.objects.get(system="netsuite")
    right = dict(erp.settings)
    Connection.objects.filter(pk=erp.pk).update(settings={**right, "customer_id": "1010"})
    order_many("MUG-BLUE", count=count)
    refused = ExceptionCase.objects.filter(code="connectors.rejected", outbound__connection=erp)
    for _ in range(600):
        if refused.count() >= count:
            break
        time.sleep(0.2)
    else:
        raise SystemExit(f"only {refused.count()} of {count} orders were refused")
    # It is put right; and NetSuite is slow enough today to watch how a replay goes on.
    Connection.objects.filter(pk=erp.pk).update(settings=right, rate_per_second=4)
    found = refused.order_by("-value", "pk").first()
    assert found is not None
    return found


def keep_back(sku: str) -> None:
    """Rules take something of an item from what a channel is told, and some of it is promised."""
    berlin, amazon = Location.objects.get(code="BERLIN"), Channel.objects.get(code="amazon-de")
    item = Item.objects.get(sku=sku)
    for knob, value, note, where in (
        (Knob.SAFETY_STOCK, 8, "for the returns desk", {"location": berlin}),
        (Knob.BUFFER, 12, "orders come in late there", {"channel": amazon}),
    ):
        keep_rule(AvailabilityRule(knob=knob, value=value, note=note, item=item, **where))
    order_many(sku, quantity=3, count=3)
    time.sleep(4)


def finished_order() -> Order:
    """One that has come all the way, of several lines."""
    orders = Order.objects.filter(fulfillment_orders__shipments__isnull=False)
    found = orders.order_by("-state", "-total").filter(state__in=["SHIPPED", "DELIVERED"]).first()
    if found is None:
        raise SystemExit("no order left the warehouse; try again")
    return found


def sign_in(browser: Browser, hub: str, username: str, theme: Theme) -> Page:
    """A window of 1440 × 900 in which `username` works."""
    person = next(person for person in PEOPLE if person.username == username)
    window = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=theme, timezone_id="Europe/Berlin"
    )
    page = window.new_page()
    page.goto(f"{hub}/login/")
    page.fill("#id_username", person.username)
    page.fill("#id_password", person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/queue/**")
    return page


def say(text: str) -> None:
    """For whoever waits."""
    sys.stdout.write(f"{text}\n")


def shoot(page: Page, address: str, file: Path) -> None:
    """One picture, when live updates run and nothing moves any more."""
    page.goto(address)
    page.locator("[data-word]", has_text="Live").wait_for()
    page.evaluate("document.querySelector('.pane-body')?.scrollTo(0, 0)")
    page.wait_for_timeout(700)
    file.write_bytes(smaller(page.screenshot(animations="disabled")))
    say(f"{file}: {file.stat().st_size / 1000:.0f} kB")


Shots = Sequence[tuple[str, Theme, str]]


def take(hub: str, folder: Path, shots: Shots, cause_id: int = 0) -> None:
    """Pictures of pages; and with a cause, of its replay while it runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, theme, path in shots:
            shoot(sign_in(browser, hub, "lead", theme), hub + path, folder / name)
        if cause_id:
            shoot_replay(browser, hub, cause_id, folder)
        browser.close()


def shoot_replay(browser: Browser, hub: str, cause_id: int, folder: Path) -> None:
    """Begin it as a lead does, and look when a third of it is done."""
    page = sign_in(browser, hub, "lead", "light")
    dark = sign_in(browser, hub, "lead", "dark")
    page.goto(f"{hub}/queue/?group=cause")
    page.locator(f"#cause-{cause_id} button").click()
    page.get_by_label("Reason").fill("Web orders are booked on customer 1001 again")
    page.get_by_role("button", name="Replay").first.click()
    page.wait_for_url("**/replays/*/")
    numbers = page.locator("[data-numbers]", has_text=re.compile(r"^(1[2-9]|2\d) done"))
    numbers.wait_for(timeout=120_000)
    shoot(page, page.url, folder / "replay.png")
    shoot(dark, page.url, folder / "replay-dark.png")


def main() -> None:
    """Everything from nothing."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    ports = Ports()
    for system in SYSTEMS:
        os.environ[f"SANDBOX_{system}_PORT"] = str(ports.claim("127.0.0.1", 19_800))
    call_command("migrate", interactive=False, verbosity=0)
    seed_demo(now=timezone.now())
    from retailhub.asgi import application  # noqa: PLC0415 - it reads the ports

    with serving(application) as hub, working((*LOOKS, drain_stock, run_due_jobs)), estate(hub):
        trade()
        tidy()
        waiting = InboundMessage.objects.filter(state="PARKED").count()
        say(f"{Order.objects.count()} orders, {waiting} messages wait for a mapping")
        case, order = mapping_case().pk, finished_order().pk
        beside(
            hub,
            folder,
            (
                ("queue.png", "light", f"/queue/?view=open&case={case}"),
                ("queue-dark.png", "dark", f"/queue/?view=open&case={case}"),
                ("order.png", "light", f"/orders/{order}/"),
            ),
        )
        keep_back("STOOL-BEECH")
        beside(hub, folder, (("item.png", "light", "/inventory/STOOL-BEECH/"),))
        refused = refused_orders(40)
        path = f"/queue/{refused.pk}/"
        shots: Shots = (("case.png", "light", path), ("case-dark.png", "dark", path))
        beside(hub, folder, shots, refused.cause_id)


def beside(*arguments: Any) -> None:
    """Take pictures in a thread of its own: their driver keeps a loop running in it."""
    connection.close()
    picture = threading.Thread(target=take, args=arguments)
    picture.start()
    picture.join()


if __name__ == "__main__":
    main()
