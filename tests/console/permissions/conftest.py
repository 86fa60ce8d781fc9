"""One of everything that an address may name, and people in every role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Connection, CorrectionRule
from exceptions.models import (
    Absence,
    BulkScope,
    Cause,
    CauseEvent,
    ExceptionCase,
    OwnershipRule,
    ReplayItem,
    ReplayRun,
    Team,
)
from inventory.models import AvailabilityRule, SnapshotRun, StockLevel
from retailhub.kernel.roles import Role
from tests.conftest import ONE_DAY, PlaceOrder, Stock, person

Stuck = Callable[..., list[ExceptionCase]]


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
