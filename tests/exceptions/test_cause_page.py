"""The page of a cause: what it holds, what cured it, and who may move it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from exceptions.cause_page import trend_of
from exceptions.events import CaseChanged, CasesChanged
from exceptions.groups import visible_causes
from exceptions.models import Cause, CauseEvent, ExceptionCase, Team
from exceptions.services.cases import close_cured
from exceptions.services.merge_causes import merge_causes
from retailhub.kernel.events import publish
from retailhub.kernel.roles import Role
from retailhub.live import changes_since, newest_sequences
from retailhub.models import LiveEvent
from tests.conftest import person
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.incidents.outages import falls
from tests.exceptions.unmapped import missing


@pytest.fixture
def lead(orders_team: Team) -> User:
    user = person("lea", "Lea", Role.LEAD)
    orders_team.members.add(user)
    return user


def test_the_page_says_what_it_is_what_it_holds_and_what_cured_it(
    stopped_message: Stopped, lead: User, client: Client, now: datetime
) -> None:
    cases = [missing(stopped_message, f"k{n}", "MUG") for n in range(3)]
    ExceptionCase.objects.filter(pk=cases[0].pk).update(
        order_number="#1", value="8420.00", currency="EUR"
    )
    close_cured(ExceptionCase.objects.filter(pk=cases[2].pk), how="by itself", now=now)
    client.force_login(lead)

    html = client.get(f"/causes/{cases[0].cause_id}/").content.decode()

    for words in ("SKU “MUG” is not mapped for Shopify DE", "8420.00 EUR", "Resolved, verified",
                  "2 open exceptions", "Opened each day", "Split ticked"):  # fmt: skip
        assert words in html
    assert "The last one like it was closed by mapping the SKU." in html


def test_a_lead_merges_splits_and_takes_back_on_the_page(
    stopped_message: Stopped, lead: User, client: Client
) -> None:
    a, b = (missing(stopped_message, f"k{n}", f"SKU{n}") for n in range(2))
    client.force_login(lead)

    answer = client.post(f"/causes/{a.cause_id}/merge/", {"into": b.cause_id, "reason": "One list"})
    assert (answer.status_code, answer["Location"]) == (303, f"/causes/{b.cause_id}/")
    assert client.get(f"/causes/{a.cause_id}/")["Location"] == f"/causes/{b.cause_id}/"
    event = CauseEvent.objects.get()
    assert client.post(f"/causes/{b.cause_id}/undo/{event.pk}/").status_code == 303
    assert client.get(f"/causes/{a.cause_id}/").status_code == 200
    values: dict[str, Any] = {"cases": [a.pk], "title": "Own", "reason": "x"}
    assert client.post(f"/causes/{a.cause_id}/split/", values).status_code == 303
    assert client.post(f"/causes/{b.cause_id}/split/", values).status_code == 409
    assert client.post(f"/causes/{b.cause_id}/split/", {}).status_code == 422


def test_whoever_looks_while_a_cause_is_merged_is_led_to_the_other(
    stopped_message: Stopped, lead: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (missing(stopped_message, f"k{n}", f"SKU{n}") for n in range(2))
    client.force_login(lead)

    def merged_meanwhile(user: User) -> Any:
        if not CauseEvent.objects.exists():
            merge_causes(
                cause_id=a.cause_id,
                into_id=b.cause_id,
                actor_id=lead.pk,
                reason="One list",
                now=timezone.now(),
            )
        return visible_causes(user)

    monkeypatch.setattr("exceptions.causes.visible_causes", merged_meanwhile)
    answer = client.get(f"/causes/{a.cause_id}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/causes/{b.cause_id}/")


def test_nobody_moves_what_another_team_has_a_part_of(
    stopped_message: Stopped, lead: User, shop: Connection, finance_team: Team, client: Client
) -> None:
    a, b = (missing(stopped_message, f"k{n}", f"SKU{n}") for n in range(2))
    ExceptionCase.objects.filter(pk=b.pk).update(connection=None, team=finance_team)
    hidden = missing(stopped_message, "k7", "SKU0")
    ExceptionCase.objects.filter(pk=hidden.pk).update(connection=None, team=finance_team)
    client.force_login(lead)

    assert client.get(f"/causes/{b.cause_id}/").status_code == 404
    refused = client.post(f"/causes/{a.cause_id}/merge/", {"into": b.cause_id, "reason": "x"})
    assert refused.status_code == 403
    assert "belongs to another team" in refused.content.decode()
    assert not CauseEvent.objects.exists()


def test_the_trend_has_a_bar_for_each_day_as_high_as_its_share(
    problem: OpenCase, now: datetime
) -> None:
    for number in range(4):
        case = problem(f"connectors.unexpected{number}")
        days = 3 if number == 3 else 0
        ExceptionCase.objects.filter(pk=case.pk).update(opened_at=now - timedelta(days=days))

    bars = trend_of(ExceptionCase.objects.all(), now=now)

    assert [bar.count for bar in bars] == [0] * 10 + [1, 0, 0, 3]
    assert (bars[-1].height, bars[-1].y, bars[10].height) == (100, 0, 34)


def test_a_change_of_cases_is_one_line_for_what_is_shown_of_their_cause(
    stopped_message: Stopped, now: datetime
) -> None:
    cases = [missing(stopped_message, f"k{n}", "MUG") for n in range(3)]
    whole = Cause.objects.create(
        fingerprint="whole", code="x", title="Whole", first_seen_at=now, last_seen_at=now
    )
    first = newest_sequences(["queue"])["queue"]

    publish(CasesChanged(cases=tuple((case.pk, 9) for case in cases)))
    Cause.objects.filter(pk=cases[0].cause_id).update(merged_into=whole)
    publish(CaseChanged(case_id=cases[0].pk, version=10, verb="gone"))

    counted = {f"cases-of-cause-{cases[0].cause_id}", f"cases-of-cause-{whole.pk}"}
    _, items = changes_since("queue", first)
    assert {(entity, version) for entity, version, _ in items or ()} == {
        (f"case-{cases[0].pk}", 10), (f"case-{cases[1].pk}", 9), (f"case-{cases[2].pk}", 9),
        *((entity, 0) for entity in counted),
    }  # fmt: skip
    assert LiveEvent.objects.filter(pk__gt=first).count() == 6


def test_what_nothing_can_be_sent_for_has_no_button_to_replay(
    erp: Connection, lead: User, orders_team: Team, client: Client
) -> None:
    orders_team.connections.add(erp)
    incident = falls(erp)
    client.force_login(lead)

    group = client.get("/queue/?group=cause").content.decode()
    about = client.get(f"/causes/{incident.cause_id}/").content.decode()

    assert "NetSuite is down" in group
    assert "NetSuite is down" in about
    assert f"/causes/{incident.cause_id}/replay/" not in group + about
