"""What would a rule do to real messages? The newest ones of its kind, and those that are stuck."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from connectors.models import CorrectionRule, InboundMessage
from connectors.services.correct import CORRECTABLE
from connectors.services.corrections import apply_rule
from connectors.services.reading import parsed, read_body
from retailhub.kernel.changes import Change, changes
from retailhub.kernel.errors import HubError

LOOKED_AT = 200
SHOWN = 5


@dataclass
class Preview:
    """Counts of what was looked at, and some of the differences."""

    looked_at: int = 0
    matched: int = 0
    samples: list[tuple[str, list[Change]]] = field(default_factory=list)
    stuck: int = 0
    stuck_matched: int = 0
    would_read: list[int] = field(default_factory=list)  # messages


def preview_rule(rule: CorrectionRule) -> Preview:
    """Try the rule on the newest messages and on the stuck ones. Writes nothing. Two queries."""
    found = Preview()
    alike = InboundMessage.objects.filter(connection_id=rule.connection_id, topic=rule.topic)
    for message in _newest(alike):
        found.looked_at += 1
        differences = _differences(rule, message)
        if differences:
            found.matched += 1
            if len(found.samples) < SHOWN:
                found.samples.append((message.key, differences))
    for message in _newest(alike.filter(state__in=CORRECTABLE)):
        found.stuck += 1
        if _differences(rule, message):
            found.stuck_matched += 1
            if _reads(rule, message):
                found.would_read.append(message.pk)
    return found


def _newest(rows: QuerySet[InboundMessage]) -> Iterable[InboundMessage]:
    return rows.select_related("connection").order_by("-pk")[:LOOKED_AT]


def _differences(rule: CorrectionRule, message: InboundMessage) -> list[Change]:
    try:
        payload = parsed(message)
    except HubError:
        return []
    corrected = apply_rule(payload, rule.conditions, rule.patch)
    return [] if corrected is None else list(changes(payload, corrected))


def _reads(rule: CorrectionRule, message: InboundMessage) -> bool:
    try:
        read_body(message, rules=[rule])
    except HubError:
        return False
    return True
