"""What will a replay do, effect by effect: nothing, create, or look first? Before one presses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from connectors.registry import SINKS
from connectors.systems.base import IntentKind
from exceptions.models import ExceptionCase

MOST = 20


@dataclass(frozen=True)
class Foreseen:
    """One effect: its key, where it goes, and what happens to it."""

    verb: str  # nothing, create or look up
    effect_key: str
    target: str
    text: str


def foresee(case: ExceptionCase) -> list[Foreseen]:
    """The effects that hang on the case: its own, and what its order owes other systems already.

    What a message that never became an order would owe, only a try can tell.
    """
    if case.outbound is not None:
        return [foreseen(case.outbound)]
    rows = _owed_by(case)
    return [foreseen(row) for row in rows]


def _owed_by(case: ExceptionCase) -> Sequence[OutboundMessage]:
    owed = OutboundMessage.objects.select_related("connection")
    if case.order_id is not None:
        owed = owed.filter(order_id=case.order_id)
    elif case.trace_id is not None and case.inbound_id is not None:
        owed = owed.filter(trace_id=case.trace_id, order_id__isnull=False)
    else:
        return []
    return list(owed.order_by("pk")[:MOST])


def foreseen(row: OutboundMessage) -> Foreseen:
    """What becomes of one effect, from its row and from what the system itself merges."""
    name, key = row.connection.name, row.effect_key
    if row.state == OutboundState.SENT or row.external_id:
        what = f"{name} has {row.external_id or 'it'} under key {key}. Nothing is sent again."
        return Foreseen("nothing", key, name, what)
    if row.state in {OutboundState.CANCELLED, OutboundState.SUPERSEDED}:
        return Foreseen("nothing", key, name, f"{key} is not wanted any more. Nothing is sent.")
    if row.state in {OutboundState.READY, OutboundState.SENDING}:
        return Foreseen("nothing", key, name, f"{key} is on its way to {name} already.")
    if row.must_look_up or row.state in {OutboundState.MANUAL, OutboundState.UNKNOWN}:
        what = f"Looks in {name} for key {key} first, and sends only if it is not there."
        return Foreseen("look up", key, name, what)
    return Foreseen("create", key, name, f"Sends to {name} with key {key}. {_why_safe(row)}")


def _why_safe(row: OutboundMessage) -> str:
    sink = SINKS.get(row.connection.system)
    if sink is not None and IntentKind(row.kind) in sink.repeatable:
        return "It merges a second call with this key."
    return "The last call was refused, nothing is there."
