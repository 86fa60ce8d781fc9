"""Rules that correct what a sender gets wrong, before it is read: match, patch, keep a record.

Conditions compare one place of the body with text: equals, prefix or one_of. There is no pattern
language, so no rule can be slow or surprise anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db.models import QuerySet
from django.db.models.functions import Now

from connectors.errors import RuleUnusable
from connectors.models import CorrectionRule, InboundMessage
from retailhub.kernel.changes import MISSING, OPERATIONS, PatchFails, parsed, patched, value_at

MOST_CONDITIONS = 10
MOST_OPERATIONS = 20
MOST_TEXT = 2_000
LONGEST_LIFE = timedelta(days=90)

_HOW: Mapping[str, Callable[[str, Any], bool]] = {
    "equals": lambda found, wanted: found == str(wanted),
    "prefix": lambda found, wanted: found.startswith(str(wanted)),
    "one_of": lambda found, wanted: found in {str(one) for one in wanted},
}
_KEEP = """
INSERT INTO connectors_correctionhit (rule_id, message_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT (rule_id, message_id) DO NOTHING
"""


def live_rules(connection_ids: Iterable[int]) -> QuerySet[CorrectionRule]:
    """The rules that count now, for messages of these connections, oldest first."""
    return CorrectionRule.objects.filter(
        expires_at__gt=Now(), connection__in=set(connection_ids), is_active=True
    ).order_by("pk")


def corrected(
    payload: Any, message: InboundMessage, rules: Iterable[CorrectionRule]
) -> tuple[Any, list[int]]:
    """The payload as the rules leave it, and which of them changed it."""
    applied = []
    for rule in rules:
        if (rule.connection_id, rule.topic) != (message.connection_id, message.topic):
            continue
        changed = apply_rule(payload, rule.conditions, rule.patch)
        if changed is not None:
            payload = changed
            applied.append(rule.pk)
    return payload, applied


def apply_rule(
    payload: Any, conditions: Sequence[Mapping[str, Any]], patch: Sequence[Mapping[str, Any]]
) -> Any | None:
    """The corrected payload; None when a condition is not met or the patch does not fit it."""
    if not all(_is_met(payload, one) for one in conditions):
        return None
    try:
        return patched(payload, patch)
    except PatchFails:
        return None


def _is_met(payload: Any, condition: Mapping[str, Any]) -> bool:
    found = value_at(payload, parsed(condition["path"]))
    if found is MISSING or isinstance(found, dict | list):
        return condition["how"] == "equals" and condition["value"] is None and found is MISSING
    text = "" if found is None else f"{found:f}" if isinstance(found, Decimal) else str(found)
    return _HOW[condition["how"]](text, "" if condition["value"] is None else condition["value"])


def keep_hits(pairs: Sequence[tuple[int, int]]) -> None:
    """Keep that rules (rule, message) corrected messages, each once."""
    if pairs:
        with database.cursor() as cursor:
            cursor.execute(_KEEP, [list(column) for column in zip(*pairs, strict=True)])


def check_rule(*, conditions: Any, patch: Any, expires_at: datetime, now: datetime) -> None:
    """Pass what is bounded and well formed. Raises `RuleUnusable` saying what is not."""
    if not isinstance(conditions, list) or not 1 <= len(conditions) <= MOST_CONDITIONS:
        raise RuleUnusable(
            f"Give 1 to {MOST_CONDITIONS} conditions, so that it meets few messages."
        )
    if not isinstance(patch, list) or not 1 <= len(patch) <= MOST_OPERATIONS:
        raise RuleUnusable(f"A rule changes 1 to {MOST_OPERATIONS} places.")
    for condition in conditions:
        _check_condition(condition)
    for step in patch:
        _check_step(step)
    if not now < expires_at <= now + LONGEST_LIFE:
        raise RuleUnusable(f"A rule ends within {LONGEST_LIFE.days} days, and not in the past.")


def _check_condition(condition: Any) -> None:
    is_sound = isinstance(condition, dict) and set(condition) == {"path", "how", "value"}
    if not is_sound or condition["how"] not in _HOW or not parsed(str(condition["path"])):
        raise RuleUnusable("A condition has a path, how it compares, and a value.")
    value = condition["value"]
    wanted = value if condition["how"] == "one_of" else [value]
    if not isinstance(wanted, list) or not all(_is_short(one) for one in wanted):
        raise RuleUnusable(f"The value of {condition['path']} is not a short text or number.")
    if condition["how"] == "prefix" and not value:
        raise RuleUnusable("An empty beginning is met by everything.")


def _check_step(step: Any) -> None:
    if not isinstance(step, dict) or step.get("op") not in OPERATIONS:
        raise RuleUnusable(f"A change is one of {', '.join(sorted(OPERATIONS))}.")
    path = step.get("path")
    if not isinstance(path, str) or not path.startswith("/") or len(path) > 300:
        raise RuleUnusable("A change names its place by a JSON pointer, such as /ship_to/city.")
    if step["op"] != "remove" and not _is_short(step.get("value")):
        raise RuleUnusable(f"What {path} becomes is not a short text or number.")


def _is_short(value: Any) -> bool:
    is_scalar = value is None or isinstance(value, str | int | bool | Decimal)
    return is_scalar and len(str(value)) <= MOST_TEXT
