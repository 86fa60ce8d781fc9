"""People are told by e-mail what they asked for: once, in their own time, whatever breaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from connectors.services import breaker
from exceptions.models import ExceptionCase, Team
from exceptions.services.cases import Problem, open_case
from retailhub.mail.digest import write_digests
from retailhub.mail.send import GIVES_UP_AFTER, send_due_mail
from retailhub.models import Mail, Preferences
from tests.racing import at_once

MORNING = datetime(2026, 11, 25, 7, 5, tzinfo=UTC)  # 08:05 in Berlin, 16:05 in Tokyo


@pytest.fixture
def wants(db: None) -> Callable[..., User]:
    def choose(user: User, **more: Any) -> User:
        Preferences.objects.update_or_create(user=user, defaults=more)
        return user

    return choose


Wants = Callable[..., User]


@pytest.fixture
def team(finance_team: Team, ana: User, mia: User, wants: Wants, ben: User) -> Team:
    """The ERP's: Ben and Ana want to be told of incidents, Mia of nothing."""
    finance_team.members.add(ana, mia)
    wants(ben, mails_incidents=True)
    wants(ana, mails_incidents=True, time_zone="Asia/Tokyo")
    return finance_team


def falls(connection: Connection) -> None:
    row = Connection.objects.get(pk=connection.pk)
    breaker.extend(row, "Käthe Vogel: no answer", now=timezone.now())


def a_case(connection: Connection, code: str = "connectors.rejected", **more: Any) -> ExceptionCase:
    facts = {"detail": "No.", "connection_id": connection.pk, "connection_name": "NetSuite", **more}
    return open_case(Problem(code=code, **facts), now=timezone.now())


def send_all(at: datetime | None = None) -> int:
    sent, at = 0, at or timezone.now() + timedelta(seconds=1)
    while send_due_mail(now=at):
        sent += 1
    return sent


# --- Incidents ---------------------------------------------------------------------------------


def test_one_for_each_incident_to_those_who_want_it(team: Team, erp: Connection) -> None:
    falls(erp)
    for number in range(5):
        a_case(erp, "connectors.exhausted", subject={"n": number}, context={"n": number})
    row = Connection.objects.get(pk=erp.pk)
    breaker.note_success(row, now=timezone.now())
    falls(erp)  # flaps: the same incident

    assert send_all() == 2

    assert sorted(message.to[0] for message in outbox.outbox) == [
        *("ana@example.com", "ben@example.com"),
    ]
    message = outbox.outbox[0]
    incident = ExceptionCase.objects.get(code="connectors.connection_down")
    assert message.subject == "NetSuite is down"
    assert f"/queue/{incident.pk}/" in message.body
    assert "Käthe" not in message.body
    zones = {message.to[0]: message.body for message in outbox.outbox}
    assert "(JST)" in zones["ana@example.com"]
    assert "(CET)" in zones["ben@example.com"]


@pytest.mark.django_db(transaction=True)
def test_a_breaker_that_opens_in_many_workers_at_once_alerts_once(
    team: Team, erp: Connection
) -> None:
    at_once([lambda: falls(erp)] * 5)
    at_once([send_all] * 3)
    assert len(outbox.outbox) == 2
    assert ExceptionCase.objects.count() == 1


def test_other_exceptions_are_no_alert(team: Team, erp: Connection) -> None:
    a_case(erp)
    assert not Mail.objects.exists()


def test_who_left_is_not_told(team: Team, erp: Connection, ben: User) -> None:
    User.objects.filter(pk=ben.pk).update(is_active=False)
    falls(erp)
    assert {row.person.username for row in Mail.objects.select_related("person")} == {"ana"}


# --- The mail server ---------------------------------------------------------------------------


def test_a_server_that_is_down_costs_time_and_no_mail(
    team: Team, erp: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def down(self: EmailMessage, fail_silently: bool = False) -> int:
        asked.append(self.to[0])
        raise SMTPServerDisconnected("421 for ben@example.com")

    falls(erp)
    now = timezone.now() + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", down)
        assert send_all(now) == 0
        assert send_all(now) == 0
    assert len(asked) == 1  # down for one is down for all
    assert set(Mail.objects.values_list("error", flat=True)) == {"", "SMTPServerDisconnected"}

    assert send_all(now + timedelta(seconds=61)) == 2
    assert set(Mail.objects.values_list("state", flat=True)) == {"SENT"}
    assert len({message.extra_headers["Message-ID"] for message in outbox.outbox}) == 2
    assert send_all(now + timedelta(hours=2)) == 0


def test_an_address_that_is_refused_keeps_no_other_from_it(
    team: Team, erp: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = EmailMessage.send

    def picky(self: EmailMessage, fail_silently: bool = False) -> int:
        if self.to == ["ana@example.com"]:
            raise SMTPRecipientsRefused({})
        return send(self)

    monkeypatch.setattr(EmailMessage, "send", picky)
    falls(erp)
    now = timezone.now() + timedelta(seconds=1)
    for _ in range(3):
        send_due_mail(now=now)
    assert [message.to for message in outbox.outbox] == [["ben@example.com"]]

    send_due_mail(now=now + GIVES_UP_AFTER)
    assert set(Mail.objects.values_list("state", flat=True)) == {"SENT", "GIVEN_UP"}


# --- The day's summary -------------------------------------------------------------------------


def test_a_summary_at_the_hour_of_ones_own_day_and_once(
    team: Team, erp: Connection, ana: User, ben: User, wants: Wants
) -> None:
    wants(ben, digest_hour=8)
    wants(ana, digest_hour=8)  # in Tokyo it is the afternoon
    late = a_case(erp)
    ExceptionCase.objects.filter(pk=late.pk).update(
        is_late=True, opened_at=MORNING - timedelta(hours=30)
    )
    waits = a_case(erp, "connectors.mapping_missing")
    ExceptionCase.objects.filter(pk=waits.pk).update(
        state="WAITING", opened_at=MORNING - timedelta(hours=1)
    )

    assert write_digests(now=MORNING - timedelta(minutes=10)) == 0
    assert write_digests(now=MORNING) == 1
    assert write_digests(now=MORNING + timedelta(minutes=1)) == 0
    assert write_digests(now=MORNING + timedelta(hours=1)) == 0
    send_all()

    (message,) = outbox.outbox
    assert (message.to, message.subject) == (["ben@example.com"], "1 exception open, 1 late")
    assert "Waiting  1" in message.body
    assert "Oldest   1 d 6 h" in message.body
    assert write_digests(now=MORNING + timedelta(days=1)) == 1


def test_no_summary_when_there_is_nothing_to_say(team: Team, ben: User, wants: Wants) -> None:
    wants(ben, digest_hour=8)
    assert write_digests(now=MORNING) == 0
    assert Mail.objects.get().state == "NOTHING"
    assert send_all() == 0
    assert outbox.outbox == []


def test_no_morning_in_the_evening(team: Team, erp: Connection, ben: User, wants: Wants) -> None:
    wants(ben, digest_hour=8)
    a_case(erp)
    assert write_digests(now=MORNING + timedelta(hours=9)) == 0


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_write_one_summary(
    team: Team, erp: Connection, ben: User, wants: Wants
) -> None:
    wants(ben, digest_hour=8)
    a_case(erp)
    at_once([lambda: write_digests(now=MORNING)] * 4)
    assert Mail.objects.filter(kind="DIGEST").count() == 1


def test_counts_only_what_one_may_see(
    team: Team, erp: Connection, shop: Connection, ben: User, wants: Wants
) -> None:
    wants(ben, digest_hour=8)
    a_case(shop)
    assert write_digests(now=MORNING) == 0


# --- The settings ------------------------------------------------------------------------------


def test_chooses_on_the_own_page(client: Client, ben: User) -> None:
    client.force_login(ben)
    client.post("/me/save/", {"mails_incidents": "on", "digest_hour": "7"})
    chosen = Preferences.objects.get(user=ben)
    assert (chosen.mails_incidents, chosen.digest_hour) == (True, 7)
    assert '<option value="7" selected>07:00</option>' in client.get("/me/").content.decode()

    assert client.post("/me/save/", {"digest_hour": "24"}).status_code == 422
    client.post("/me/save/", {"digest_hour": ""})
    chosen.refresh_from_db()
    assert (chosen.mails_incidents, chosen.digest_hour) == (False, None)
