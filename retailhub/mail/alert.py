"""An incident began: one e-mail to everybody of its team who wants to be told."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from exceptions.events import CasesChanged
from exceptions.held import held_by
from exceptions.incidents import INCIDENTS
from exceptions.models import ExceptionCase
from retailhub.mail.zones import zone_of
from retailhub.models import Mail


def mail_of_incidents(event: CasesChanged) -> None:
    """Once for each incident, however often it is down again, and never for what hangs on it."""
    if event.verb != "new":
        return
    cases = ExceptionCase.objects.filter(pk__in=[pk for pk, _ in event.cases], code__in=INCIDENTS)
    for incident in cases.exclude(team=None).select_related("connection").order_by("pk"):
        rows = [_mail(incident, person) for person in _who_want_it(incident)]
        Mail.objects.bulk_create(rows, ignore_conflicts=True)


def _who_want_it(incident: ExceptionCase) -> list[Any]:
    people = get_user_model().objects.filter(
        teams=incident.team_id, is_active=True, preferences__mails_incidents=True
    )
    return list(people.exclude(email="").select_related("preferences").order_by("pk"))


def _mail(incident: ExceptionCase, person: Any) -> Mail:
    since = timezone.localtime(incident.opened_at, zone_of(person))
    waits = held_by([incident])[incident.pk].text
    lines = [
        f"{incident.title}, since {since:%d %b %H:%M} ({since.tzname()}).",
        f"{waits}." if waits else "Nothing waits for it yet.",
        "What is owed to it goes out by itself when it is back.",
        "",
        f"{settings.PUBLIC_URL}{reverse('case', args=[incident.pk])}",
        "",
        f"You get one e-mail for each incident of your teams; {_settings()} changes that.",
    ]
    return Mail(
        person=person,
        kind=Mail.Kind.INCIDENT,
        key=str(incident.pk),
        subject=incident.title[:200],
        body="\n".join(lines),
        created_at=incident.opened_at,
    )


def _settings() -> str:
    return f"{settings.PUBLIC_URL}{reverse('me')}"
