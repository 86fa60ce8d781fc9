"""Who is told is set up in the admin, where no secret can be read again."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exceptions.models import Notice, Subscription
from tests.exceptions.conftest import OpenCase
from tests.exceptions.hooks.receiving import SECRET, Receiver, Subscribe, send

ADD = "/admin/exceptions/subscription/add/"
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
