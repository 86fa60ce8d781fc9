"""What the desk does by the clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from connectors.lifecycle import InboundState, OutboundState
from connectors.models import InboundMessage, OutboundMessage
from connectors.services.replay import set_aside_inbound, set_aside_outbound
from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.models.proof import Proof
from exceptions.services.acts import wake_case

# So long a person may take back what they decided.
GRACE = timedelta(minutes=1)


def wake_due_cases(*, now: datetime) -> int:
    """Bring back snoozed cases whose time has come. Returns how many."""
    due = ExceptionCase.objects.filter(state=CaseState.SNOOZED, wake_at__lte=now).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[:500])
    for case_id in ids:
        with suppress(VerbNotAllowed):  # somebody was quicker
            wake_case(case_id=case_id, actor_id=None, now=now)
    return len(ids)


def set_aside_what_was_decided(*, now: datetime) -> int:
    """Put an end to messages whose case a person closed. Returns how many.

    An ignored message is not tried again. An effect that stopped must not block its lane for ever
    with nobody looking: ignored, or done as far as can be told, the next one of its order goes on.
    """
    decided = {"cases__closed_at__lte": now - GRACE}
    inbound = InboundMessage.objects.filter(
        state__in=[InboundState.DEAD, InboundState.PARKED],
        cases__state=CaseState.IGNORED,
        **decided,
    ).exclude(cases__state__in=OPEN_STATES)
    outbound = OutboundMessage.objects.filter(
        state__in=[OutboundState.DEAD, OutboundState.MANUAL],
        cases__state__in=[CaseState.IGNORED, CaseState.RESOLVED],
        **decided,
    ).exclude(cases__state__in=OPEN_STATES)
    outbound = outbound.exclude(cases__proof=Proof.UNVERIFIED)
    ignored = set(inbound.order_by("pk").values_list("pk", flat=True)[:500])
    dropped = set(outbound.order_by("pk").values_list("pk", flat=True)[:500])
    return sum(set_aside_inbound(message_id=pk, now=now) for pk in sorted(ignored)) + sum(
        set_aside_outbound(message_id=pk, now=now) for pk in sorted(dropped)
    )
