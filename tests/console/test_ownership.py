"""The ownership page: nothing moves before somebody has seen who would."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exceptions.lifecycle import CaseState
from exceptions.models import Absence, ExceptionCase, OwnershipRule, RuleSet, Team
from tests.conftest import ONE_DAY
from tests.console.conftest import SignedIn
from tests.exceptions.conftest import put_in

Stuck = Callable[..., list[ExceptionCase]]
RULE = {"position": "50", "code_prefix": "connectors.", "country": "at"}


@pytest.fixture
def lead(as_: SignedIn, lea: User) -> Client:
    return as_(lea)


def text_of(client: Client, address: str = "/ownership/") -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(address).content.decode()))


def key_on(client: Client) -> str:
    found = re.search(r'name="key" value="(\w+)"', client.get("/ownership/").content.decode())
    assert found
    return found[1]


def test_a_rule_is_drafted_seen_and_applied(
    lead: Client, stuck: Stuck, team: Team, finance_team: Team, ana: User
) -> None:
    cases = stuck(3)
    put_in(cases[0], CaseState.NEW, is_pinned=True)
    sent = {"position": "50", "code_prefix": "connectors.mapping", "team": finance_team.pk}

    answer = lead.post("/ownership/rules/save/", sent)

    assert (answer.status_code, answer["Location"]) == (302, "/ownership/")
    page = text_of(lead)
    assert "2 open cases would move" in page
    assert "1 pinned case stays where it is" in page
    assert "Orders Finance 2" in page
    assert "50. code starts with connectors.mapping → Finance In the draft" in page
    assert ExceptionCase.objects.filter(team=team).count() == 3

    answer = lead.post("/ownership/apply/", {"key": key_on(lead)}, follow=True)

    assert "routes now. 2 cases moved." in answer.content.decode()
    assert "would move" not in text_of(lead)
    assert ExceptionCase.objects.filter(team=finance_team).count() == 2
    cases[0].refresh_from_db()
    assert cases[0].team == team


def test_what_changed_meanwhile_is_not_applied_unseen(
    lead: Client, stuck: Stuck, team: Team, finance_team: Team
) -> None:
    OwnershipRule.objects.create(position=50, team=finance_team)
    key, versions = key_on(lead), RuleSet.objects.count()
    OwnershipRule.objects.create(position=60, team=team)

    answer = lead.post("/ownership/apply/", {"key": key})

    assert answer.status_code == 409
    assert "Look again who would move" in answer.content.decode()
    assert RuleSet.objects.count() == versions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"team": ""}, "This field is required."),
        ({"value_from": "100"}, "Say the currency of the amounts, for example EUR."),
        (
            {"value_from": "100", "value_below": "50", "currency": "eur"},
            "No order is both. Choose a higher amount.",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_comes_back_with_the_reason(
    lead: Client, team: Team, wrong: dict[str, str], said: str
) -> None:
    before = OwnershipRule.objects.count()

    answer = lead.post("/ownership/rules/save/", {**RULE, "team": str(team.pk), **wrong})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert OwnershipRule.objects.count() == before


def test_a_rule_is_changed_and_removed(lead: Client, team: Team) -> None:
    row = OwnershipRule.objects.create(position=50, team=team, region="BY")
    assert 'value="BY"' in lead.get(f"/ownership/?edit={row.pk}").content.decode()

    lead.post("/ownership/rules/save/", {**RULE, "id": row.pk, "team": team.pk})
    row.refresh_from_db()
    assert (row.region, row.country, row.code_prefix) == ("", "AT", "connectors.")

    lead.post(f"/ownership/rules/{row.pk}/remove/")
    assert not OwnershipRule.objects.filter(pk=row.pk).exists()


def test_an_absence_is_of_ones_own_colleagues_only(
    lead: Client, ana: User, ben: User, finance_team: Team, now: datetime
) -> None:
    span = {"begins_at": "2026-12-24T00:00", "ends_at": "2026-12-27T09:00"}

    assert lead.post("/ownership/absences/save/", {**span, "person": ben.pk}).status_code == 422
    assert lead.post("/ownership/absences/save/", {**span, "person": ana.pk}).status_code == 302
    assert [row.person for row in Absence.objects.all()] == [ana]

    theirs = Absence.objects.create(person=ben, begins_at=now, ends_at=now + ONE_DAY)
    assert lead.post(f"/ownership/absences/{theirs.pk}/remove/").status_code == 404


def test_the_pane_says_why_this_team(
    lead: Client, stuck: Stuck, team: Team, finance_team: Team
) -> None:
    OwnershipRule.objects.create(position=50, code_prefix="connectors.", team=finance_team)
    lead.post("/ownership/apply/", {"key": key_on(lead)})
    OwnershipRule.objects.create(position=60, system="custom", team=team)
    lead.post("/ownership/apply/", {"key": key_on(lead)})
    (case,) = stuck(1)

    page = text_of(lead, f"/queue/{case.pk}/")

    assert "Rule 60. system is custom → Orders" in page
    assert "50. code starts with connectors. → Finance 10. anything → Orders" in page
    assert "of the rules" in page


def test_a_lead_gives_a_case_away_from_its_pane(
    lead: Client, stuck: Stuck, finance_team: Team, ben: User, lea: User
) -> None:
    finance_team.members.add(lea)
    (case,) = stuck(1)
    assert 'id="act-assign"' in lead.get(f"/queue/{case.pk}/").content.decode()

    sent = {"version": "1", "team": finance_team.pk, "person": ben.pk, "keep": "1440"}
    answer = lead.post(f"/queue/{case.pk}/assign/", sent)

    assert answer.status_code == 303
    case.refresh_from_db()
    assert (case.team, case.owner, case.is_pinned) == (finance_team, ben, True)
    assert "Pinned until" in text_of(lead, f"/queue/{case.pk}/")


def test_the_page_asks_the_same_for_two_teams_and_for_twenty(
    lead: Client, stuck: Stuck, finance_team: Team, ana: User
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert lead.get("/ownership/").status_code == 200
        return len(queries)

    OwnershipRule.objects.create(position=50, team=finance_team)
    lead.get("/ownership/")
    few = count()
    for number in range(18):
        team = Team.objects.create(slug=f"t{number}", name=f"Team {number}")
        team.members.add(ana)
        OwnershipRule.objects.create(position=60 + number, team=team, code_prefix=f"x{number}")
    stuck(20)

    assert count() == few <= 27
