"""From the draft of the routing table to a version that routes, and the cases that move with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from exceptions.errors import VersionStale
from exceptions.events import CaseChanged
from exceptions.models import CaseEvent, ExceptionCase, OwnershipRule, RuleSet
from exceptions.moves import moving_cases
from exceptions.routing import Rule, to_json
from exceptions.services.cases import snapshot
from exceptions.services.ownership import Rules, current_rules, route
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows

BATCH = 500


@dataclass(frozen=True)
class Applied:
    """The version that routes now, and how many cases moved to it."""

    number: int
    moved: int


def draft_rules() -> list[Rule]:
    """The active rows of the draft, in the order they are read."""
    rows = OwnershipRule.objects.filter(is_active=True)
    rows = rows.select_related("connection", "node", "team").order_by("position", "pk")
    return [_as_rule(row) for row in rows]


def key_of(rules: Sequence[Rule]) -> str:
    """A name of exactly these rules: what was seen is what is applied."""
    text = json.dumps(to_json(rules), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def apply_rules(*, actor_id: int | None, now: datetime, key: str | None = None) -> Applied:
    """Make the draft the version that routes, and move the open cases that are not pinned.

    Raises `VersionStale` when the draft is no longer the one called `key`. Applying twice is the
    same as once. A case somebody is at this moment follows within a minute, by the clock.
    """
    number = _make_version(actor_id, key, now)
    return Applied(number, move_to_current_rules(now=now))


@transaction.atomic
def _make_version(actor_id: int | None, key: str | None, now: datetime) -> int:
    # Locked, so that two who apply come one after the other and nobody edits in between.
    list(OwnershipRule.objects.select_for_update().order_by("pk"))
    draft, current = draft_rules(), current_rules()
    if key is not None and key != key_of(draft):
        raise VersionStale("Somebody changed the rules meanwhile. Look again who would move.")
    if current.number and draft == list(current.rules):
        return current.number
    made = RuleSet.objects.create(
        number=current.number + 1, rules=to_json(draft), applied_by_id=actor_id, applied_at=now
    )
    return made.number


def move_to_current_rules(*, now: datetime) -> int:
    """Move cases that an older version decided and the current one gives to another team."""
    rules, moved = current_rules(), 0
    while batch := _move_batch(rules, now):
        moved += batch
    return moved


@transaction.atomic
def _move_batch(rules: Rules, now: datetime) -> int:
    waiting = moving_cases(rules.rules).filter(rules_version__lt=rules.number)
    locked = waiting.select_related("team").select_for_update(of=("self",), skip_locked=True)
    cases = list(locked.order_by("pk")[:BATCH])
    assignments, events = [], []
    for case in cases:
        before, was = snapshot(case), case.team
        assignments.append(route(case, now=now, rules=rules))
        case.version += 1
        text = f"From {was or 'nobody'} by version {rules.number}: {case.team_reason}"
        events.append(_event(case, text, before, now))
    update_rows(cases, ["team", "team_reason", "rules_version", "ladder_at", "version"])
    insert_rows(assignments, needs_ids=False)
    insert_rows(events, needs_ids=False)
    for case in cases:
        publish(CaseChanged(case_id=case.pk, version=case.version, verb="upd"))
    return len(cases)


def _event(case: ExceptionCase, text: str, before: dict[str, object], now: datetime) -> CaseEvent:
    return CaseEvent(
        case=case, verb="moved", text=text, before=before, after=snapshot(case), at=now
    )


def _as_rule(row: OwnershipRule) -> Rule:
    return Rule(
        text=str(row),
        team=row.team_id,
        connection=row.connection_id,
        system=row.system,
        node=row.node.code if row.node else "",
        code_prefix=row.code_prefix,
        country=row.country.lower(),
        region=row.region.lower(),
        currency=row.currency.upper(),
        value_from=row.value_from,
        value_below=row.value_below,
        order_tag=row.order_tag.lower(),
        customer_tag=row.customer_tag.lower(),
    )
