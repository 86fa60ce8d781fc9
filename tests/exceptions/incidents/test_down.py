"""A connection goes down: one incident, however many notice and however often it flaps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from connectors.models import Connection
from connectors.services import breaker
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.incidents.outages import answers, falls, incident_of
from tests.racing import at_once


@pytest.mark.django_db(transaction=True)
def test_a_breaker_that_opens_in_many_workers_at_once_makes_one_incident(erp: Connection) -> None:
    ends_of = at_once([lambda: falls(erp).pk] * 6)

    assert len(set(ends_of)) == 1
    incident = incident_of(erp)
    assert (incident.state, incident.title) == ("NEW", "NetSuite is down")
    assert list(incident.events.values_list("verb", flat=True)) == ["opened"]


def test_the_database_knows_no_two_incidents_of_a_connection(
    erp: Connection, problem: OpenCase
) -> None:
    falls(erp)
    case = problem("connectors.rejected", connection_id=erp.pk)

    with pytest.raises(IntegrityError, match="one_open_incident_per_connection"):
        ExceptionCase.objects.filter(pk=case.pk).update(code="connectors.credentials_rejected")


def test_it_is_down_since_it_fell_however_many_looks_at_it_fail(erp: Connection) -> None:
    falls(erp)
    since = Connection.objects.get(pk=erp.pk).health_since

    falls(erp)

    erp.refresh_from_db()
    assert (erp.health, erp.breaker_trips, erp.health_since) == ("DOWN", 2, since)
    answers(erp)
    erp.refresh_from_db()
    assert (erp.health, erp.health_since > since) == ("HEALTHY", True)


def test_a_rejected_sign_in_is_the_same_incident_with_other_words(erp: Connection) -> None:
    first = falls(erp)

    breaker.note_sign_in_needed(erp, "invalid_grant", now=timezone.now())

    incident = ExceptionCase.objects.get()
    assert (incident.pk, incident.code) == (first.pk, "connectors.credentials_rejected")
    assert incident.title == "NetSuite rejected our sign-in"


def test_a_connection_that_flaps_has_one_incident_that_says_so(
    erp: Connection, stopped_effect: Stopped
) -> None:
    first = falls(erp)
    assert answers(erp).state == CaseState.RESOLVED  # nothing waited for it
    again = falls(erp)
    assert (again.pk, again.state, again.closed_at) == (first.pk, "NEW", None)
    assert again.context == {"falls": 2}
    answers(erp)
    long_ago = timezone.now() - timedelta(minutes=16)
    ExceptionCase.objects.filter(pk=first.pk).update(closed_at=long_ago)

    breaker.extend(Connection.objects.get(pk=erp.pk), "No answer.", now=timezone.now())

    both = ExceptionCase.objects.order_by("pk")
    assert [case.state for case in both] == ["RESOLVED", "NEW"]
    assert list(first.events.order_by("pk").values_list("verb", flat=True)) == [
        *("opened", "back", "resolved"),
        *("down", "back", "resolved"),
    ]


def test_a_breaker_that_stays_open_says_nothing_new(erp: Connection) -> None:
    before = falls(erp)
    after = falls(erp)
    assert (after.version, after.events.count()) == (before.version, 1)
