from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from connectors.services import probe
from connectors.services.credentials import store_credential
from connectors.services.probe import Check
from inventory.models import Channel
from tests.admin.conftest import SECRET, make_connection, url_of

FormOf = Callable[[Connection], dict[str, Any]]


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each test of a connection was made with."""
    calls: list[dict[str, Any]] = []

    def check(connection: Connection, *, now: object, secrets: Any = None) -> list[Check]:
        calls.append({"base_url": connection.base_url, "secrets": secrets})
        return [Check("Sign-in", True, "Signed in as api@shop"), Check("Orders", False, "403")]

    monkeypatch.setattr(probe, "check_connection", check)
    return calls


def test_tests_what_is_in_the_form_and_says_so(
    admin: Client, shop: Connection, form_of: FormOf, probed: list[dict[str, Any]]
) -> None:
    sent = {**form_of(shop), "base_url": "http://localhost:9999", "secret_access_token": SECRET}

    page = admin.post(url_of(shop, "test"), sent).content.decode()

    assert probed == [{"base_url": "http://localhost:9999", "secrets": {"access_token": SECRET}}]
    assert "Testing the new address, access token (not saved yet)." in page
    assert "<strong>Passed</strong> Sign-in: Signed in as api@shop" in page
    assert "<strong>Failed</strong> Orders: 403" in page
    assert SECRET not in page
    shop.refresh_from_db()
    assert (shop.base_url, shop.tested_at) == ("http://127.0.0.1:9102", None)


def test_keeps_the_result_when_nothing_was_changed(
    admin: Client, shop: Connection, form_of: FormOf, probed: list[dict[str, Any]]
) -> None:
    page = admin.post(url_of(shop, "test"), form_of(shop)).content.decode()

    shop.refresh_from_db()
    assert "Testing what is saved." in page
    assert shop.tested_at is not None
    assert shop.test_result is not None
    assert shop.test_result["passed"] is False
    assert "Signed in as api@shop" in admin.get(url_of(shop)).content.decode()


def test_does_not_test_a_form_that_is_wrong(
    admin: Client, shop: Connection, form_of: FormOf, probed: list[dict[str, Any]]
) -> None:
    answer = admin.post(url_of(shop, "test"), {**form_of(shop), "base_url": "ftp://x"})

    assert answer.status_code == 422
    assert "Not tested" in answer.content.decode()
    assert probed == []


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://169.254.169.254/latest", "https://192.168.1.1:8443/"]
)
def test_refuses_addresses_inside_the_house(
    admin: Client, shop: Connection, form_of: FormOf, url: str
) -> None:
    answer = admin.post(url_of(shop), {**form_of(shop), "base_url": url})

    shop.refresh_from_db()
    assert "errornote" in answer.content.decode()
    assert shop.base_url == "http://127.0.0.1:9102"


def test_leaves_alone_what_workers_write(
    admin: Client, shop: Connection, form_of: FormOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Connection.save

    def meanwhile(self: Connection, **options: Any) -> None:
        Connection.objects.filter(pk=self.pk).update(health="DOWN", health_detail="no answer")
        save(self, **options)

    monkeypatch.setattr(Connection, "save", meanwhile)

    admin.post(url_of(shop), {**form_of(shop), "burst": 7})

    shop.refresh_from_db()
    assert (shop.burst, shop.health, shop.health_detail) == (7, "DOWN", "no answer")


def test_tells_who_changed_which_field_from_what_to_what(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    admin.post(url_of(shop), {**form_of(shop), "burst": 7})

    page = admin.get(url_of(shop, "history")).content.decode()

    assert "20 → 7" in page
    assert ">mia<" in page
    assert "style=" not in page.partition('id="content"')[2]


def test_an_old_version_is_shown_and_never_put_back(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    admin.post(url_of(shop), {**form_of(shop), "burst": 7})
    old = shop.history.earliest()
    address = f"/admin/connectors/connection/{shop.pk}/history/{old.pk}/"

    shown = admin.get(address)
    posted = admin.post(address, {**form_of(shop), "burst": 20})

    shop.refresh_from_db()
    assert (shown.status_code, posted.status_code, shop.burst) == (200, 403, 7)


def test_a_new_one_gets_its_secrets_in_a_second_step(admin: Client, db: None) -> None:
    channel = Channel.objects.create(code="x", name="X")
    page = admin.get("/admin/connectors/connection/add/").content.decode()
    sent = {
        "name": "Shop",
        "slug": "shop",
        "system": "shopify",
        "role": "SHOP",
        "channel": channel.pk,
        "base_url": "http://localhost:9101",
        "is_active": "on",
        "rate_per_second": 10,
        "burst": 20,
        "concurrency": 4,
        "timeout_seconds": 20,
        "settle_seconds": 120,
        "poll_seconds": 0,
        "silence_minutes": 0,
        "fallback": "HOLD",
        "fallback_percent": 50,
        "settings": "{}",
    }

    answer = admin.post("/admin/connectors/connection/add/", sent, follow=True)

    row = Connection.objects.get()
    assert "secret_" not in page
    assert answer.redirect_chain[-1][0] == url_of(row)
    assert 'name="secret_access_token"' in answer.content.decode()
    assert 'name="secret_webhook_secret"' in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base_url": ""}, "Shopify is called, so it needs an address."),
        ({"channel": ""}, "orders need a channel"),
        ({"settings": "[1]"}, "Write an object"),
    ],
)
def test_says_what_a_connection_lacks(
    admin: Client, shop: Connection, form_of: FormOf, changes: dict[str, str], told: str
) -> None:
    answer = admin.post(url_of(shop), {**form_of(shop), **changes})

    assert told in answer.content.decode()


def to_custom(shop: Connection, base_url: str) -> Connection:
    Connection.objects.filter(pk=shop.pk).update(system="custom", base_url=base_url)
    shop.refresh_from_db()
    return shop


def test_a_custom_shop_needs_no_address_until_its_channel_is_told_stock(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    to_custom(shop, "http://localhost:9999")
    Channel.objects.update(publish_mode="CHANGE")
    without = {**form_of(shop), "base_url": ""}

    told = admin.post(url_of(shop), without).content.decode()

    shop.refresh_from_db()
    assert "Shopify DE is told stock, so its shop needs an address." in told
    assert shop.base_url == "http://localhost:9999"
    Channel.objects.update(publish_mode="OFF")
    admin.post(url_of(shop), without)
    shop.refresh_from_db()
    assert shop.base_url == ""


@pytest.mark.parametrize(
    ("system", "base_url", "why"),
    [
        ("custom", "", "Shop has no address, so it can&#x27;t be told. Give the connection"),
        ("square", "", "Square takes no stock from us. Leave this switched off."),
        (None, "", "No connection speaks for this channel yet."),
        ("custom", "https://shop.example.org", ""),
        ("amazon", "https://sp.example.org", ""),
    ],
)
def test_a_channel_is_told_stock_only_where_somebody_takes_it(
    admin: Client, db: None, system: str | None, base_url: str, why: str
) -> None:
    channel = Channel.objects.create(code="shop", name="Shop")
    if system:
        make_connection("shop", system, role="SHOP", channel=channel, base_url=base_url)
    page = f"/admin/inventory/channel/{channel.pk}/change/"
    form = admin.get(page).context["adminform"].form
    values = {name: form.get_initial_for_field(f, name) for name, f in form.fields.items()}

    answer = admin.post(page, {**values, "locations": [], "publish_mode": "CHANGE"})

    channel.refresh_from_db()
    assert (answer.status_code, channel.publish_mode) == ((200, "OFF") if why else (302, "CHANGE"))
    assert why in answer.content.decode()


def test_a_token_is_not_carried_to_another_address_by_way_of_none(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    to_custom(shop, "")
    store_credential(connection_id=shop.pk, name="api_token", secret=SECRET, now=timezone.now())
    sent = {**form_of(shop), "base_url": "http://localhost:9999"}

    told = admin.post(url_of(shop), sent).content.decode()
    shop.refresh_from_db()
    assert "type the bearer token again" in told
    assert shop.base_url == ""

    admin.post(url_of(shop), {**sent, "secret_api_token": SECRET})
    shop.refresh_from_db()
    assert shop.base_url == "http://localhost:9999"


def test_a_custom_shop_without_an_address_has_nothing_to_test(shop: Connection) -> None:
    (check,) = probe.check_connection(to_custom(shop, ""), now=timezone.now())

    assert (check.name, check.passed) == ("Receives only", True)


def test_pauses_with_a_reason_and_resumes(admin: Client, shop: Connection, erp: Connection) -> None:
    pause = f"/admin/connectors/connection/pause/?id={shop.pk}"
    asked = admin.get(pause).content.decode()
    without = admin.post(pause, {"inbound": "on", "outbound": "on", "reason": ""})
    nothing = admin.post(pause, {"reason": "x"})
    shop.refresh_from_db()
    assert not shop.is_paused
    assert "Pause Shopify-De" in asked
    assert "required" in without.content.decode()
    assert "Choose what to pause" in nothing.content.decode()

    admin.post(pause, {"outbound": "on", "reason": "Stocktaking"})
    shop.refresh_from_db()
    assert (shop.inbound_paused_at, shop.pause_reason) == (None, "Stocktaking")
    assert shop.outbound_paused_at is not None
    assert "Out: stocktaking" in admin.get("/admin/connectors/connection/").content.decode()

    admin.post(f"/admin/connectors/connection/resume/?id={shop.pk}")
    shop.refresh_from_db()
    erp.refresh_from_db()
    assert not shop.is_paused
    assert not erp.is_paused


def test_pauses_several_after_asking_once(admin: Client, shop: Connection, erp: Connection) -> None:
    answer = admin.post(
        "/admin/connectors/connection/",
        {"action": "pause_selected", "_selected_action": [shop.pk, erp.pk]},
    )
    page = admin.get(answer["Location"]).content.decode()
    admin.post(answer["Location"], {"inbound": "on", "outbound": "on", "reason": "Move"})

    assert "Pause 2 connections" in page
    assert Connection.objects.filter(pause_reason="Move").count() == 2


def test_has_its_buttons_and_can_not_be_deleted(admin: Client, shop: Connection) -> None:
    page = admin.get(url_of(shop)).content.decode()

    assert f'formaction="{url_of(shop, "test")}" formtarget="_blank"' in page
    assert f"/admin/connectors/connection/pause/?id={shop.pk}" in page
    assert admin.get(url_of(shop, "delete")).status_code == 403
