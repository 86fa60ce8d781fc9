"""Who may do what: every route, every role, one's own team and another's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from connectors.models import Connection, CorrectionRule, MessageVersion
from exceptions.models import (
    Absence,
    BulkScope,
    CaseEvent,
    Cause,
    CauseEvent,
    ExceptionCase,
    OwnershipRule,
    ReplayItem,
    ReplayRun,
    RunEvent,
    Team,
)
from inventory.models import AvailabilityRule, SnapshotRun, StockLevel
from orders.models import Order
from retailhub.kernel.roles import Role
from tests.conftest import ONE_DAY, PlaceOrder, Stock, person
from tests.console.conftest import SignedIn

Stuck = Callable[..., list[ExceptionCase]]
PAGES = (
    "/queue/",
    "/queue/rows?ids=1",
    "/queue/{case}/",
    "/causes/{cause}/",
    "/replays/",
    "/replays/{run}/",
    "/queue/{case}/edit/",
    "/queue/{case}/try/",
    "/rules/",
    "/rules/{fix}/",
    "/orders/",
    "/orders/{order}/",
    "/connections/",
    "/connections/webshop/",
    "/inventory/",
    "/inventory/MUG/",
    "/inventory/id/{item}/",
    "/inventory/runs/",
    "/inventory/runs/{file}/",
    "/inventory/rules/",
    "/inventory/rules/{stock_rule}/",
    "/mappings/sku/",
    "/me/",
    "/views/",
    "/search/?q=x",
    "/search/options/?q=x",
    "/audit/",
    "/live/since?topic=queue&seq=0",
)
WORK = {
    "/queue/{case}/claim/": {"version": "1"},
    "/queue/{case}/take_over/": {"version": "1", "reason": "Ill"},
    "/queue/{case}/note/": {"text": "Hello"},
    "/inventory/id/{item}/push/?channel=webshop": {},
    "/inventory/id/{item}/recount/": {"level": "{level}", "reason": "Empty box"},
    "/queue/{case}/resolve/": {"version": "1", "reason": "Done"},
    "/queue/{case}/skip/": {"reason": "Not mine"},
    "/queue/take/": {},
    "/me/save/": {"theme": "dark"},
    "/views/keep/": {"name": "Mine", "query": "view=mine"},
    "/queue/{case}/edit/": {"then": "save", "reason": "Wrong"},
    "/queue/{case}/edit/first/": {},
}
LEAD_PAGES = ("/ownership/",)
# These are pages too: looking at them is no mistake.
BOTH = ("/edit/", "/rule/")
LEADS = {
    "/inventory/id/{item}/pause/?channel=webshop": {"reason": "Recall"},
    "/inventory/id/{item}/resume/?channel=webshop": {},
    "/queue/{case}/assign/": {"version": "1", "team": "{team}"},
    "/ownership/rules/save/": {"position": "5", "team": "{team}"},
    "/ownership/rules/{rule}/remove/": {},
    "/ownership/apply/": {"key": "not the one that was shown"},
    "/ownership/absences/save/": {"person": ""},
    "/ownership/absences/{absence}/remove/": {},
    "/queue/{case}/ignore/": {"version": "1", "reason": "Never"},
    "/queue/{case}/mapping/": {"other": "MUG"},
    "/queue/causes/{cause}/replay/": {},
    "/causes/{cause}/merge/": {"into": "{cause}", "reason": "Same"},
    "/causes/{cause}/split/": {"cases": "999999", "title": "Own", "reason": "Not the same"},
    "/causes/{cause}/undo/{line}/": {},
    "/replays/select/": {"ids": "{case}"},
    "/replays/select/all/": {},
    "/replays/{run}/pause/": {},
    "/queue/{case}/rule/": {"then": "preview"},
    "/rules/{fix}/end/": {},
    "/replays/{run}/again/": {},
    "/mappings/sku/save/": {
        "connection": "{connection}",
        "external_code": "X",
        "internal_code": "MUG",
    },
}
ADMINS = {"/audit/{act}/erase/": {"reason": "The customer asked for it"}}
OPS_PAGES = ("/system/", "/audit/export/")
OPS = {
    "/inventory/rules/new/": {"knob": "BUFFER", "value": "-1"},
    "/inventory/rules/{stock_rule}/save/": {"knob": "BUFFER", "value": "-1"},
    "/inventory/rules/{stock_rule}/remove/": {"seen": "{stock_rule_seen}"},
    "/connections/webshop/test/": {},
    "/connections/webshop/pause/": {"reason": "Night"},
    "/connections/webshop/resume/": {},
}
POSTS: dict[str, Any] = {**WORK, **LEADS, **OPS, **ADMINS}
OF_LEADS = list(LEADS)
OF_A_TEAM = [path for path in POSTS if not re.search("causes|recount|/take/|/me/|/views/", path)]
NAMES_NOTHING = ("/audit/", "/inventory/rules/", "mappings", "ownership", "/replays/select")
LEADS_AWAY = "/queue/next/"
# Nobody's but the person's who made them: tests/console/test_saved_views.py.
ONE_S_OWN = ("/views/{view}/change/", "/views/{view}/move/", "/views/{view}/remove/")


@pytest.fixture
def rows(team: Team, ana: User, now: datetime) -> dict[str, int]:
    """Ids of a team, a rule that is off, and an absence."""
    rule = OwnershipRule.objects.create(team=team, is_active=False)
    absence = Absence.objects.create(person=ana, begins_at=now, ends_at=now + ONE_DAY)
    return {"team": team.pk, "rule": rule.pk, "absence": absence.pk}


@pytest.fixture
def place_of(
    stuck: Stuck, stock: Stock, place: PlaceOrder, webshop: Connection, rows: dict[str, int]
) -> Callable[[str], str]:
    """Fill the ids of one case, one order and `rows` into an address."""
    stock("MUG", 5)
    case, order = stuck(1)[0], place("1001")
    ids: dict[str, object] = {
        "case": case.pk,
        "cause": case.cause_id,
        "order": order.pk,
        "connection": webshop.pk,
    }
    ids["act"] = case.events.latest("pk").pk
    ids["run"] = run_of(case, webshop).pk
    ids["fix"] = rule_of(webshop).pk
    level = StockLevel.objects.get(item__sku="MUG")
    file = SnapshotRun.objects.create(
        source=webshop.slug, key="k", body_sha256=b"", size=9, counted_at=timezone.now()
    )
    ids["line"] = split_of(case).pk
    ids |= {"item": level.item_id, "level": level.pk, "file": file.pk}
    rule = AvailabilityRule.objects.create(knob="BUFFER", value=1)
    seen = repr((rule.pk, "BUFFER", 1, False, None, "", None, None))
    ids |= {"stock_rule": rule.pk, "stock_rule_seen": seen}
    return lambda text: text.format(**ids, **rows)


def run_of(case: ExceptionCase, connection: Connection) -> ReplayRun:
    """A replay that somebody of nobody's team once began, of one case."""
    user = User.objects.create(username="gone")
    scope = BulkScope.objects.create(
        user=user, case_ids=[case.pk], snapshot_max_id=case.pk, expires_at=timezone.now()
    )
    run = ReplayRun.objects.create(
        title="Replay 1 order", scope=scope, started_by=user, wave=1, allowed=1,
        connection_ids=[connection.pk], plan={"per_second": 20, "money": {}, "canary": 5},
    )  # fmt: skip
    ReplayItem.objects.create(run=run, case=case, number=1, state="FAILED", failed_as=case.cause)
    return run


def split_of(case: ExceptionCase) -> CauseEvent:
    """A part that somebody once split from the cause of the case."""
    part = Cause.objects.create(
        fingerprint="part", code=case.code, title="Part", split_from=case.cause,
        first_seen_at=case.opened_at, last_seen_at=case.opened_at,
    )  # fmt: skip
    return CauseEvent.objects.create(
        cause=case.cause, verb="SPLIT", other=part, actor=User.objects.get(username="gone")
    )


def rule_of(connection: Connection) -> CorrectionRule:
    """A rule that somebody once made."""
    return CorrectionRule.objects.create(
        connection=connection,
        topic="order.placed",
        owner=User.objects.get(username="gone"),
        conditions=[{"path": "id", "how": "equals", "value": "x"}],
        reason="Once",
        patch=[{"op": "add", "path": "/note", "value": "x"}],
        expires_at=timezone.now() + timedelta(days=1),
    )


@pytest.fixture
def member(team: Team) -> Callable[[Role], User]:
    """Somebody of Ana's team in this role."""

    def join(role: Role) -> User:
        user = person(f"one-{role}", role.title(), role)
        team.members.add(user)
        return user

    return join


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


def test_nobody_gets_anywhere_without_signing_in(place_of: Callable[[str], str]) -> None:
    client = Client()
    for path in (*PAGES, *LEAD_PAGES, LEADS_AWAY, "/system/", "/"):
        answer = client.get(place_of(path))
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/"), path
    for path, values in POSTS.items():
        assert client.post(place_of(path), values)["Location"].startswith("/login/"), path
    assert CaseEvent.objects.exclude(verb="opened").count() == 0


def test_every_post_needs_the_token_of_the_page(
    member: Callable[[Role], User], place_of: Callable[[str], str]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member(Role.ADMIN))
    for path, values in POSTS.items():
        assert client.post(place_of(path), values).status_code == 403, path
    assert CaseEvent.objects.exclude(verb="opened").count() == 0


def test_looking_never_changes_anything(
    as_: SignedIn, member: Callable[[Role], User], place_of: Callable[[str], str]
) -> None:
    client = as_(member(Role.ADMIN))
    for path in POSTS:
        if "resume" not in path and not path.endswith(BOTH):
            assert client.get(place_of(path)).status_code == 405, path
    with CaptureQueriesContext(database) as queries:
        for path in (*PAGES, *LEAD_PAGES, LEADS_AWAY, "/system/"):
            client.get(place_of(path))
    writes = [q["sql"] for q in queries if q["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert writes == []


def test_every_route_of_the_console_is_in_these_tests() -> None:
    known = {
        "/" + _plain(path)
        for path in (*PAGES, *LEAD_PAGES, *OPS_PAGES, LEADS_AWAY, *ONE_S_OWN, *POSTS)
    }
    known.add("/replays/plan/scope/")
    verbs = {"queue/case_id/verb/": "queue/case/claim/", "queue/case_id/undo/event_id/": ""}
    for route in _routes(get_resolver().url_patterns):
        if route.startswith(("admin", "api", "login", "logout", "healthz", "readyz", "system")):
            continue
        name = verbs.get(route, route)
        if name and name not in {"mappings/"}:
            assert any(_same(name, path) for path in known), f"{route} is not tested here"


def _plain(path: str) -> str:
    return path.split("?", maxsplit=1)[0].strip("/").replace("{", "").replace("}", "")


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += [] if text.startswith("admin") else _routes(pattern.url_patterns, text)
        else:
            clean = "/".join(part.split(":")[-1].rstrip(">") for part in text.split("/"))
            found.append(clean)
    return found


def _same(route: str, path: str) -> bool:
    words, others = route.strip("/").split("/"), path.strip("/").split("/")
    if len(words) != len(others):
        return False
    named = {"sku", "slug", "table", "verb", "case"}
    return all(
        one == two or one in named or one.endswith("_id")
        for one, two in zip(words, others, strict=True)
    )
    named = {
        "case_id",
        "cause_id",
        "order_id",
        "run_id",
        "scope_id",
        "rule_id",
        "event_id",
        "slug",
        "table",
        "verb",
        "case",
    }
    return all(one == two or one in named for one, two in zip(words, others, strict=True))


CSP = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'")


def test_every_answer_carries_the_policy(
    as_: SignedIn, ana: User, monkeypatch: pytest.MonkeyPatch, place_of: Callable[[str], str]
) -> None:
    client = as_(ana)
    client.raise_request_exception = False
    answers = [client.get(place_of(path)) for path in PAGES]
    answers += [client.get("/nothing/"), client.get("/system/"), client.post("/queue/")]
    answers += [Client().get("/login/"), Client().get("/queue/")]

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("exceptions.queue.counts", broken)
    answers.append(client.get("/queue/"))
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 302, 403, 404, 405, 500}
    for answer in answers:
        for part in CSP:
            assert part in answer["Content-Security-Policy"], answer
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert "broken on purpose" not in answers[-1].content.decode()
    assert Order.objects.count() == 1
