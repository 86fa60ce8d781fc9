"""What was on record before a migration is there after it, and still means the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from exceptions.models import CaseEvent, ExceptionCase, RuleSet, Team
from exceptions.routing import Facts
from exceptions.services.ownership import current_rules

BEFORE = [("exceptions", "0003_replay_many_at_once")]


@pytest.fixture
def old(transactional_db: None) -> Iterator[Any]:
    """The tables as they were."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    yield executor.migrate(BEFORE).apps
    MigrationExecutor(connection).migrate(newest)


def to_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_rules_that_routed_go_on_routing_and_no_case_moves(old: Any) -> None:
    team = old.get_model("exceptions", "Team").objects.create(slug="desk", name="Desk")
    other = old.get_model("exceptions", "Team").objects.create(slug="erp", name="ERP")
    erp = old.get_model("connectors", "Connection").objects.create(
        slug="erp", name="ERP", system="netsuite", role="ERP"
    )
    rules = old.get_model("exceptions", "OwnershipRule").objects
    rules.create(position=10, team=team)
    rules.create(position=20, team=other, connection=erp, code_prefix="connectors.")
    rules.create(position=30, team=other, is_active=False)
    now = timezone.now()
    cause = old.get_model("exceptions", "Cause").objects.create(
        fingerprint="f", code="x", title="X", first_seen_at=now, last_seen_at=now
    )
    facts = {"cause": cause, "code": "x", "title": "X", "severity": 2, "team": team}
    cases = old.get_model("exceptions", "ExceptionCase").objects
    kept = cases.create(connection=erp, state="NEW", opened_at=now, due_at=now, **facts)
    waits = cases.create(state="WAITING", opened_at=now, due_at=now, **facts)
    acts = old.get_model("exceptions", "CaseEvent").objects
    claim = acts.create(case=kept, verb="claim", undone_at=now)
    undo = acts.create(case=kept, verb="undo", text="Took back: claim", at=now)

    to_newest()

    case = ExceptionCase.objects.get(pk=kept.pk)
    assert (case.team, case.rules_version) == (Team.objects.get(slug="desk"), 1)
    assert (case.facts, case.is_pinned) == ({"system": "netsuite"}, False)
    assert [rule["text"] for rule in RuleSet.objects.get().rules] == [
        "10. anything → Desk",
        "20. connection is ERP and code starts with connectors. → ERP",
    ]
    assert (case.paused_at, case.due_at, case.minutes) == (None, now, 0)
    assert CaseEvent.objects.get(taken_back_by__isnull=False).pk == claim.pk
    assert CaseEvent.objects.get(takes_back__isnull=False).pk == undo.pk
    assert ExceptionCase.objects.get(pk=waits.pk).pause_reason == "WAITING"
    verdict = current_rules().verdict(Facts(code="connectors.x", connection=erp.pk))
    assert verdict.team == other.pk
