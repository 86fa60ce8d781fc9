"""A correction becomes a rule for messages to come, or such a rule is ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from connectors.models import CorrectionRule, InboundMessage
from connectors.services.corrections import check_rule


def draft_rule(
    *, message: InboundMessage, conditions: Any, patch: Any, expires_at: datetime, now: datetime
) -> CorrectionRule:
    """The rule as it would be, unsaved. Raises `RuleUnusable` when it is too wide or unsound."""
    check_rule(conditions=conditions, patch=patch, expires_at=expires_at, now=now)
    return CorrectionRule(
        connection=message.connection,
        topic=message.topic,
        conditions=conditions,
        patch=patch,
        made_from=message,
        expires_at=expires_at,
    )


@transaction.atomic
def make_rule(*, draft: CorrectionRule, owner_id: int, reason: str) -> CorrectionRule:
    """Let a drafted rule count from now on."""
    draft.owner_id, draft.reason = owner_id, reason
    draft.save()
    return draft


@transaction.atomic
def end_rule(*, rule_id: int) -> CorrectionRule:
    """Messages are read as they arrive again. What the rule touched stays on record."""
    rule = CorrectionRule.objects.select_for_update(of=("self",)).get(pk=rule_id)
    if rule.is_active:
        rule.is_active = False
        rule.save(update_fields=["is_active", "updated_at"])
    return rule


def conditions_of(changes: Sequence[Any]) -> list[dict[str, Any]]:
    """What says "like this one": each changed place still holds what was corrected."""
    return [{"path": one.where, "how": "equals", "value": _plain(one.before)} for one in changes]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else None
