"""A secret goes in and never comes out."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from connectors.models import ApiKey, Connection, Credential
from connectors.services.credentials import valid_secrets
from tests.admin.conftest import SECRET, url_of

FormOf = Callable[[Connection], dict[str, Any]]


def _database() -> Iterator[str]:
    """Every row of every table as text, bytes also as what they spell."""
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                yield f"{table}: {row}"
    for session in Session.objects.all():
        yield f"session: {session.get_decoded()}"


def _hits(plain: str) -> list[str]:
    spelled = plain.encode().hex()
    return [row for row in _database() if plain in row or spelled in row]


def test_shows_that_there_is_a_secret_and_never_which(
    admin: Client, with_secret: Connection
) -> None:
    page = admin.get(url_of(with_secret)).content.decode()

    (field,) = re.findall(r"<input[^>]*secret_access_token[^>]*>", page)
    assert "value=" not in field
    assert 'type="password"' in field
    assert 'autocomplete="off"' in field
    assert f"Saved {timezone.localtime():%d %b %Y}, ends with …4f2a." in page
    assert "<summary>Replace</summary>" in page
    assert SECRET not in page
    assert SECRET[:12] not in page


def test_keeps_it_encrypted_and_in_no_other_place(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    sent = {**form_of(shop), "secret_access_token": SECRET}

    answer = admin.post(url_of(shop), sent, follow=True)

    stored = valid_secrets(connection_id=shop.pk, now=timezone.now())
    assert answer.redirect_chain
    assert stored["access_token"] == [SECRET]
    assert _hits(SECRET) == []
    pages = [url_of(shop), url_of(shop, "history"), "/admin/", "/admin/connectors/connection/"]
    assert not any(SECRET in admin.get(page).content.decode() for page in pages)
    assert SECRET not in answer.content.decode()
    assert SECRET not in str(admin.cookies)


def test_an_empty_field_keeps_what_is_saved(
    admin: Client, with_secret: Connection, form_of: FormOf
) -> None:
    admin.post(url_of(with_secret), {**form_of(with_secret), "secret_access_token": ""})

    assert Credential.objects.count() == 1
    assert not LogEntry.objects.filter(change_message__contains="ccess").exists()


def test_a_replaced_one_stays_valid_for_a_day(
    admin: Client, with_secret: Connection, form_of: FormOf
) -> None:
    sent = {**form_of(with_secret), "secret_access_token": "shpat_another-secret-9999"}

    admin.post(url_of(with_secret), sent)

    stored = valid_secrets(connection_id=with_secret.pk, now=timezone.now())
    assert stored["access_token"] == ["shpat_another-secret-9999", SECRET]
    page = admin.get(url_of(with_secret)).content.decode()
    assert "ends with …9999. The one before stays valid until" in page


def test_a_form_that_is_refused_does_not_echo_it(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    sent = {**form_of(shop), "secret_access_token": SECRET, "name": ""}

    answer = admin.post(url_of(shop), sent)

    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_saved_secret_is_carried_to_no_other_address(
    admin: Client, with_secret: Connection, form_of: FormOf
) -> None:
    moved = {**form_of(with_secret), "base_url": "http://127.0.0.1:6666"}

    saved = admin.post(url_of(with_secret), moved)
    tested = admin.post(url_of(with_secret, "test"), moved)

    told = "The address is another one: type the access token again to send it there."
    assert told in saved.content.decode()
    assert told in tested.content.decode()
    with_secret.refresh_from_db()
    assert with_secret.base_url == "http://127.0.0.1:9102"
    admin.post(url_of(with_secret), {**moved, "secret_access_token": SECRET})
    with_secret.refresh_from_db()
    assert with_secret.base_url == "http://127.0.0.1:6666"


def test_settings_are_no_place_for_a_secret(
    admin: Client, shop: Connection, form_of: FormOf
) -> None:
    sent = {**form_of(shop), "settings": '{"access_token": "x"}'}

    assert "looks like a secret" in admin.post(url_of(shop), sent).content.decode()


@pytest.fixture
def custom(shop: Connection) -> Connection:
    Connection.objects.filter(pk=shop.pk).update(system="custom", base_url="")
    shop.refresh_from_db()
    return shop


def test_a_key_is_shown_once_and_kept_nowhere(admin: Client, custom: Connection) -> None:
    answer = admin.post(
        "/admin/connectors/apikey/add/",
        {"connection": custom.pk, "name": "Web shop", "scopes": ["orders:write", "orders:read"]},
    )

    page = answer.content.decode()
    (plain,) = set(re.findall(r"rh_[0-9a-f]{12}_[0-9a-f]{64}", page))
    key = ApiKey.objects.get()
    assert (key.connection, key.scopes) == (custom, ["orders:read", "orders:write"])
    assert answer.status_code == 200  # no redirect: nothing has to wait for another page
    assert "no-store" in answer["Cache-Control"]
    assert _hits(plain) == []
    assert _hits(plain.rpartition("_")[2]) == []
    assert plain not in str(admin.cookies)
    addresses = ["", f"{key.pk}/change/", f"{key.pk}/history/"]
    later = [admin.get(f"/admin/connectors/apikey/{a}").content.decode() for a in addresses]
    assert not any(plain in page or key.digest in page for page in later)
    called = Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {plain}"})
    assert called.status_code == 200


def test_a_key_that_could_never_place_an_order_is_refused(admin: Client, shop: Connection) -> None:
    answer = admin.post(
        "/admin/connectors/apikey/add/",
        {"connection": shop.pk, "name": "Web shop", "scopes": ["orders:write"]},
    )

    assert "only a custom shop" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_is_switched_off_at_once(admin: Client, custom: Connection) -> None:
    page = admin.post(
        "/admin/connectors/apikey/add/",
        {"connection": custom.pk, "name": "Web shop", "scopes": ["orders:read"]},
    ).content.decode()
    (plain,) = set(re.findall(r"rh_[0-9a-f]{12}_[0-9a-f]{64}", page))

    admin.post(
        "/admin/connectors/apikey/",
        {"action": "switch_off_selected", "_selected_action": [ApiKey.objects.get().pk]},
    )

    called = Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {plain}"})
    assert called.status_code == 401
    assert admin.get("/admin/connectors/apikey/?digest__startswith=a").status_code in {302, 400}
