"""A person's day in one e-mail, at the hour they chose: what is open, late, waiting, how old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from exceptions.models.cases import OPEN_STATES
from exceptions.rows import duration
from exceptions.selectors import visible_cases, without_parked
from retailhub.mail.zones import zone_of
from retailhub.models import Mail

# A morning's summary is of no use in the evening: workers that stood still for longer skip a day.
LATEST_HOURS = 3


def write_digests(*, now: datetime) -> int:
    """Write the summaries whose hour has come. Returns how many people have something to read.

    One for each person and local day. Who has nothing to read gets none that day.
    """
    people = get_user_model().objects.filter(is_active=True, preferences__digest_hour__isnull=False)
    wanting = people.exclude(email="").select_related("preferences").order_by("pk")
    recent = Mail.objects.filter(kind=Mail.Kind.DIGEST, created_at__gt=now - timedelta(days=2))
    written = set(recent.values_list("person", "key"))
    due = (
        person
        for person in wanting
        if _is_the_hour(person, now) and (person.pk, _day(person, now)) not in written
    )
    return sum(_write(person, now) for person in due)


def _is_the_hour(person: Any, now: datetime) -> bool:
    local = timezone.localtime(now, zone_of(person))
    return bool(0 <= local.hour - person.preferences.digest_hour < LATEST_HOURS)


def _day(person: Any, now: datetime) -> str:
    return f"{timezone.localtime(now, zone_of(person)):%Y-%m-%d}"


def _write(person: Any, now: datetime) -> bool:
    found = _numbers(person)
    has_news = bool(found["open"] or found["waiting"])
    mail = Mail(
        person=person,
        kind=Mail.Kind.DIGEST,
        key=_day(person, now),
        subject=_subject(found) if has_news else "",
        body=_body(found, now) if has_news else "",
        state=Mail.State.READY if has_news else Mail.State.NOTHING,
        created_at=now,
        next_try_at=now,
    )
    # Another worker may have been quicker: its row counts.
    Mail.objects.bulk_create([mail], ignore_conflicts=True)
    return has_news


def _numbers(person: Any) -> dict[str, Any]:
    cases = without_parked(visible_cases(person).filter(state__in=OPEN_STATES))
    is_waiting = Q(state__in=["WAITING", "SNOOZED"])
    return cases.aggregate(
        open=Count("pk", filter=~is_waiting),
        late=Count("pk", filter=Q(is_late=True)),
        waiting=Count("pk", filter=is_waiting),
        oldest=Min("opened_at"),
        mine=Count("pk", filter=Q(owner=person)),
    )


def _subject(found: dict[str, Any]) -> str:
    late = f", {found['late']} late" if found["late"] else ""
    noun = "exception" if found["open"] == 1 else "exceptions"
    return f"{found['open']} {noun} open{late}"


def _body(found: dict[str, Any], now: datetime) -> str:
    lines = [
        f"Open     {found['open']}",
        f"Late     {found['late']}",
        f"Waiting  {found['waiting']}",
        f"Yours    {found['mine']}",
        f"Oldest   {duration(now - found['oldest'])}",
        "",
        f"{settings.PUBLIC_URL}{reverse('queue')}",
        "",
        f"{settings.PUBLIC_URL}{reverse('me')} changes when you get this.",
    ]
    return "\n".join(lines)
