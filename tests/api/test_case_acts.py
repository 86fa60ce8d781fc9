"""A help desk acts on cases for its people: with their rights, once, and on what they saw."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from connectors.models import ApiKey, Connection
from connectors.services.api_keys import Scope
from exceptions.activity import activity_of, line_of
from exceptions.models import CaseEvent, Cause, ExceptionCase, ProgramAct, Team
from exceptions.services import acts as by_hand
from retailhub.console.acts import Wanted, acts
from retailhub.kernel.roles import Role
from tests.api.conftest import Caller, make_key
from tests.api.test_cases import make_case
from tests.conftest import person
from tests.racing import at_once

__all__ = ["make_case"]
Make = Callable[..., ExceptionCase]


@pytest.fixture
def team(shop: Connection) -> Team:
    made = Team.objects.create(slug="orders", name="Orders")
    made.connections.add(shop)
    made.members.add(person("ana", "Ana", Role.AGENT), person("lea", "Lea", Role.LEAD))
    person("ben", "Ben", Role.AGENT)
    return made


@pytest.fixture
def case(make_case: Make, team: Team) -> ExceptionCase:
    return make_case(team=team)


def act(caller: Caller, case: ExceptionCase, verb: str, key: str = "", **body: Any) -> Any:
    key = key or f"{verb}-{case.pk}"
    return caller.write(f"cases/{case.pk}/{verb}", {"by": "ana", **body}, key=key)


STORY: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("claim", {}, "CLAIMED"),
    ("note", {"text": "The buyer wants red"}, "CLAIMED"),
    ("wait", {"on_whom": "The buyer", "waits_for": "CUSTOMER"}, "WAITING"),
    ("wake", {}, "CLAIMED"),
    ("undo", {}, "WAITING"),
    ("wake", {}, "CLAIMED"),
    ("release", {}, "NEW"),
    ("snooze", {"minutes": 30}, "SNOOZED"),
    ("wake", {}, "NEW"),
    ("assign", {"by": "lea", "team": "orders", "person": "ana", "keep_minutes": 60}, "NEW"),
    ("resolve", {"reason": "Entered by hand", "how": "by hand"}, "RESOLVED"),
    ("reopen", {}, "CLAIMED"),
    ("ignore", {"by": "lea", "reason": "A test order"}, "IGNORED"),
)


def test_a_case_from_claim_to_its_end(caller: Caller, case: ExceptionCase) -> None:
    for number, (verb, body, state) in enumerate(STORY):
        answer = act(caller, case, verb, key=f"step-{number}", **body)
        assert (answer.status_code, answer.json().get("state")) == (200, state), (verb, answer)

    case.refresh_from_db()
    assert answer.json()["version"] == case.version
    by = list(case.events.order_by("pk").values_list("verb", "actor__username"))
    assert by == [(verb, body.get("by", "ana")) for verb, body, _ in STORY]
    assert ProgramAct.objects.filter(event__case=case).count() == len(STORY)


def test_says_who_has_it(caller: Caller, case: ExceptionCase) -> None:
    shown = act(caller, case, "claim").json()
    assert (shown["owner"], shown["team"], shown["incident_id"]) == ("ana", "orders", None)


def test_activity_and_audit_name_the_key_that_an_act_came_through(
    caller: Caller, case: ExceptionCase, mia: User
) -> None:
    act(caller, case, "claim")
    by_hand.add_note(case_id=case.pk, actor_id=mia.pk, text="By hand", now=timezone.now())
    key = ApiKey.objects.get().name

    told = [line_of(event)["by"] for event in activity_of(case)]
    found = acts(user=mia, wanted=Wanted(kind="case"), most=5)

    assert told == ["Mia", f"Ana with API key {key}"]
    assert [one.key for one in found] == ["", key]


def test_the_same_key_does_it_once(caller: Caller, case: ExceptionCase) -> None:
    first = act(caller, case, "note", key="k-1", text="Once")
    again = act(caller, case, "note", key="k-1", text="Once")
    other = act(caller, case, "note", key="k-1", text="Twice")

    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "api.idempotency_key_reused")
    assert list(case.events.values_list("text", flat=True)) == ["Once"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_does_it_once(caller: Caller, case: ExceptionCase) -> None:
    def post() -> int:
        mine = Caller(Client(), caller.plain)
        return int(act(mine, case, "note", key="k-1", text="Once").status_code)

    assert at_once([post] * 4) == [200] * 4
    assert case.events.count() == 1


@pytest.mark.parametrize("how", ["header", "field"])
def test_changes_only_what_was_seen(caller: Caller, case: ExceptionCase, how: str) -> None:
    act(caller, case, "note", text="So it is version 2 now")

    def claim(version: int) -> Any:
        body = {"by": "ana"} if how == "header" else {"by": "ana", "version": version}
        headers = {**caller.headers, "Idempotency-Key": f"v{version}"}
        if how == "header":
            headers["If-Match"] = f'"{version}"'
        return caller.client.post(
            f"/api/v1/cases/{case.pk}/claim", body, "application/json", headers=headers
        )

    stale = claim(1)
    assert (stale.status_code, stale.json()["code"]) == (409, "exceptions.version_stale")
    assert stale["Content-Type"] == "application/problem+json"
    assert "version 2 now, and you saw 1" in stale.json()["detail"]
    case.refresh_from_db()
    assert (case.state, case.version) == ("NEW", 2)
    assert claim(2).status_code == 200


def test_a_refusal_may_be_asked_again(caller: Caller, case: ExceptionCase) -> None:
    refused = act(caller, case, "wait", key="w", on_whom="The buyer")
    assert (refused.status_code, refused.json()["code"]) == (409, "exceptions.verb_not_allowed")
    act(caller, case, "claim")
    assert act(caller, case, "wait", key="w", on_whom="The buyer").status_code == 200


@pytest.mark.parametrize(
    ("verb", "body", "status", "field"),
    [
        ("resolve", {}, 422, "reason"),
        ("note", {}, 422, "text"),
        ("snooze", {"minutes": 0}, 422, "minutes"),
        ("assign", {"by": "lea", "team": "nobody"}, 422, "team"),
        ("assign", {"by": "lea", "team": "orders", "person": "ghost"}, 422, "person"),
        ("claim", {"by": "ghost"}, 422, "by"),
        ("claim", {"by": "ben"}, 422, "by"),  # of another team
        ("ignore", {"reason": "x"}, 403, "by"),  # needs the lead's role
        ("assign", {"team": "orders"}, 403, "by"),
        ("claim", {"colour": "red"}, 422, "colour"),
    ],
)
def test_names_what_to_correct(
    caller: Caller, case: ExceptionCase, verb: str, body: dict[str, Any], status: int, field: str
) -> None:
    answer = act(caller, case, verb, **body)
    assert (answer.status_code, answer.json().get("field")) in {(status, field), (status, None)}
    assert not CaseEvent.objects.exists()
    assert not ProgramAct.objects.exists()


def test_who_may(
    client: Client, shop: Connection, stranger: Caller, case: ExceptionCase, caller: Caller
) -> None:
    reader = Caller(client, make_key(shop, *(set(Scope) - {Scope.CASES_WRITE})).plain)

    assert act(Caller(client), case, "claim").status_code == 401
    assert act(reader, case, "claim").status_code == 403
    assert act(stranger, case, "claim").status_code == 404
    assert act(caller, case, "explode").status_code == 404
    assert caller.write(f"cases/{case.pk}/claim", {"by": "ana"}, key=None).status_code == 400
    assert not CaseEvent.objects.exists()
    writer = Caller(client, make_key(shop, Scope.CASES_WRITE).plain)
    assert act(writer, case, "claim").status_code == 200


def test_what_programs_did_is_never_rewritten(caller: Caller, case: ExceptionCase) -> None:
    act(caller, case, "claim")
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        ProgramAct.objects.update(answer={})


def test_lists_causes_the_worst_first(caller: Caller, make_case: Make) -> None:
    first = make_case(harm=1.0)
    rest = {
        "fingerprint": "f2",
        "code": "orders.x",
        "title": "Held",
        "first_seen_at": first.opened_at,
    }
    worst = Cause.objects.create(**rest, last_seen_at=first.opened_at)
    for amount in (Decimal("5.00"), Decimal("2.50")):
        make_case(cause=worst, harm=50.0, value=amount, currency="EUR")
    make_case(cause=worst, state="RESOLVED", closed_at=first.opened_at)

    rows = caller.get("causes").json()["results"]

    assert [row["open_cases"] for row in rows] == [2, 1]
    assert rows[0]["value"] == {"amount": "7.50", "currency": "EUR"}
    assert rows[1]["value"] is None
    found = caller.client.get(rows[0]["cases_url"], headers=caller.headers).json()["results"]
    assert len(found) == 2
    assert len(caller.get("causes", limit=1).json()["results"]) == 1
