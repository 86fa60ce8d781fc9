"""Who may do what: every role, with one's own and with another team's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from connectors.models import CorrectionRule, MessageVersion
from exceptions.models import (
    ExceptionCase,
    RunEvent,
    Team,
)
from retailhub.kernel.roles import Role
from tests.conftest import person
from tests.console.conftest import SignedIn
from tests.console.permissions.routes import (
    ADMINS,
    LEAD_PAGES,
    LEADS,
    NAMES_NOTHING,
    OF_A_TEAM,
    OF_LEADS,
    OPS_PAGES,
    PAGES,
    POSTS,
    WORK,
)


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_its_part_with_its_own_and_is_told_who_may_the_rest(
    as_: SignedIn, member: Callable[[Role], User], place_of: Callable[[str], str], role: Role
) -> None:
    client = as_(member(role))
    for path in PAGES:
        assert client.get(place_of(path)).status_code == 200, path
    may_lead, may_run = role != Role.AGENT, role in {Role.OPS, Role.ADMIN}
    for path, values in POSTS.items():
        ExceptionCase.objects.update(state="NEW", closed_at=None, proof="", proof_due_at=None)
        filled = {key: place_of(value) for key, value in values.items()}
        answer = client.post(place_of(path), filled)
        may_rest = role == Role.ADMIN if path in ADMINS else may_run
        allowed = path in WORK or (may_lead if path in LEADS else may_rest)
        assert (answer.status_code in {302, 303, 409, 422}) is allowed, (path, answer.status_code)
        if not allowed:
            assert answer.status_code == 403
            text = answer.content.decode()
            assert "role" in text, f"{path} does not say who may"
    for path in OPS_PAGES:
        assert client.get(path).status_code == (200 if may_run else 403), path
    for path in LEAD_PAGES:
        assert client.get(path).status_code == (200 if may_lead else 403)


@pytest.mark.usefixtures("finance_team")
def test_another_team_s_things_are_not_there_at_all(
    as_: SignedIn, ben: User, place_of: Callable[[str], str]
) -> None:
    client = as_(ben)
    pages = ("/queue/{case}/", "/queue/{case}/edit/", "/queue/{case}/try/", "/orders/{order}/",
             "/connections/webshop/", "/replays/{run}/", "/rules/{fix}/",
             "/causes/{cause}/")  # fmt: skip
    for path in pages:
        assert client.get(place_of(path)).status_code == 404, path
    for path in OF_A_TEAM:
        values = {key: place_of(value) for key, value in POSTS[path].items()}
        # A role that is too low is told so first where the address names nothing.
        expected = {403, 404} if any(part in path for part in NAMES_NOTHING) else {404}
        assert client.post(place_of(path), values).status_code in expected, path
    for path in ("/queue/", "/orders/", "/search/?q=MUG-XMAS", "/queue/rows?ids={case}", "/audit/",
                 "/search/options/?q=MUG-XMAS", "/search/options/?q=1001"):  # fmt: skip
        html = client.get(place_of(path)).content.decode()
        assert "MUG-XMAS-001" not in html
        assert "#1001" not in html


def test_a_lead_of_another_team_replays_and_maps_nothing_of_this_one(
    as_: SignedIn, finance_team: Team, place_of: Callable[[str], str]
) -> None:
    lead = person("lena", "Lena", Role.LEAD)
    finance_team.members.add(lead)
    client = as_(lead)
    for path in OF_LEADS:
        values = {key: place_of(value) for key, value in POSTS[path].items()}
        client.post(place_of(path), values)
    case = ExceptionCase.objects.get()
    assert (case.state, case.version) == ("NEW", 1)
    assert not RunEvent.objects.exists()
    assert not MessageVersion.objects.exists()
    assert CorrectionRule.objects.get().is_active


@pytest.mark.parametrize("role", Role)
def test_the_rail_leads_to_no_closed_door(
    as_: SignedIn, member: Callable[[Role], User], place_of: Callable[[str], str], role: Role
) -> None:
    client = as_(member(role))
    rail = client.get(place_of("/queue/")).content.decode().split("</nav>")[0]
    links = set(re.findall(r'href="(/[a-z/]+)"', rail))
    assert len(links) >= 8
    answers = {path: client.get(path, follow=True).status_code for path in links}
    assert answers == dict.fromkeys(links, 200)
