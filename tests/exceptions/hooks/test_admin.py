"""Who is told is set up in the admin, where no secret can be read again."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connectors.systems.base import SignatureInvalid
from connectors.systems.signatures import verify_standard_webhook
from exceptions.models import Notice, Subscription
from exceptions.services.forget import forget_old_secrets
from exceptions.services.send_again import send_again
from tests.exceptions.conftest import OpenCase
from tests.exceptions.hooks.receiving import SECRET, Receiver, Subscribe, send

ADD = "/admin/exceptions/subscription/add/"
NEW = "whsec_" + base64.b64encode(b"a newer secret that both sides sign with").decode()
FORM = {"name": "Pager", "url": "http://127.0.0.1:9/x", "kinds": ["case.opened"], "is_active": "on"}


@pytest.fixture
def boss(client: Client, db: None) -> Client:
    user = User.objects.create(username="boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return client


def test_the_secret_is_written_and_never_shown(boss: Client) -> None:
    assert boss.post(ADD, {**FORM, "secret": SECRET}).status_code == 302
    row = Subscription.objects.get()
    assert SECRET.encode() not in bytes(row.ciphertext)
    page = boss.get(f"/admin/exceptions/subscription/{row.pk}/change/").content.decode()
    assert SECRET not in page
    before = bytes(row.ciphertext)
    changed = boss.post(
        f"/admin/exceptions/subscription/{row.pk}/change/", {**FORM, "name": "Other", "secret": ""}
    )
    assert changed.status_code == 302
    row.refresh_from_db()
    assert (row.name, bytes(row.ciphertext)) == ("Other", before)


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day_or_until_it_is_ended(
    boss: Client, subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    row = subscribe()
    page = f"/admin/exceptions/subscription/{row.pk}/change/"
    form = {**FORM, "url": receiver.url}

    def signed_by(at: datetime) -> list[str]:
        send_again(notice_ids=list(Notice.objects.values_list("pk", flat=True)), now=at)
        assert send(at) == 1
        headers, body = receiver.heard[-1]
        signatures = headers["webhook-signature"].split(" ")
        fits = []
        for signature in signatures:
            with suppress(SignatureInvalid):
                verify_standard_webhook(
                    headers | {"webhook-signature": signature}, body, [SECRET], at
                )
                fits.append("old")
                continue
            verify_standard_webhook(headers | {"webhook-signature": signature}, body, [NEW], at)
            fits.append("new")
        return fits

    problem("connectors.rejected")
    send(soon)
    assert signed_by(soon) == ["old"]
    assert boss.post(page, {**form, "secret": SECRET}).status_code == 302
    assert signed_by(soon) == ["old"]  # the same again is no new one
    assert boss.post(page, {**form, "secret": NEW}).status_code == 302
    assert signed_by(soon) == ["new", "old"]
    assert signed_by(soon + timedelta(hours=25)) == ["new"]
    assert forget_old_secrets(now=soon) == 0
    assert boss.post(page, {**form, "secret": "", "old_ends_now": "on"}).status_code == 302
    assert signed_by(soon) == ["new"]
    Subscription.objects.update(former_ciphertext=b"x", former_until=soon)
    assert forget_old_secrets(now=soon) == 1
    row.refresh_from_db()
    assert (row.former_ciphertext, row.former_until) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret": ""}, "nobody can tell that it was us"),
        ({"secret": "hunter2"}, "24 to 64 bytes"),
        ({"secret": SECRET, "url": "http://169.254.169.254/latest"}, "169.254.169.254"),
        ({"secret": SECRET, "url": "http://10.0.0.7/x"}, "10.0.0.7"),
    ],
)
def test_refuses_what_would_not_do(boss: Client, wrong: dict[str, str], said: str) -> None:
    answer = boss.post(ADD, {**FORM, **wrong})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Subscription.objects.exists()


def test_deliveries_are_seen_and_sent_again(
    boss: Client, subscribe: Subscribe, receiver: Receiver, problem: OpenCase, soon: datetime
) -> None:
    subscribe()
    problem("connectors.rejected")
    send(soon)
    notice = Notice.objects.get()
    assert "Sent" in boss.get("/admin/exceptions/notice/").content.decode()
    assert boss.get(f"/admin/exceptions/notice/{notice.pk}/change/").status_code == 200

    boss.post(
        "/admin/exceptions/notice/", {"action": "send_again", "_selected_action": [str(notice.pk)]}
    )

    notice.refresh_from_db()
    assert notice.state == "READY"


def test_agents_see_neither(client: Client, ana: User, subscribe: Subscribe) -> None:
    row = subscribe()
    client.force_login(ana)
    for path in ("subscription/", f"subscription/{row.pk}/change/", "notice/"):
        assert client.get(f"/admin/exceptions/{path}").status_code in {302, 403}
