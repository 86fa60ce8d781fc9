"""What holds for every route: signing in, the token, looking, the policy; none is left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from exceptions.models import (
    CaseEvent,
)
from orders.models import Order
from retailhub.kernel.roles import Role
from tests.console.conftest import SignedIn
from tests.console.permissions.routes import (
    BOTH,
    LEAD_PAGES,
    LEADS_AWAY,
    ONE_S_OWN,
    OPS_PAGES,
    PAGES,
    POSTS,
)


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
