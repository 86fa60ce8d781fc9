"""One click: take again what the case points at, with current mapping and the same effect key."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from connectors.models import InboundMessage, OutboundMessage
from connectors.services.replay import replay_inbound, replay_outbound
from connectors.services.snapshots import run_again
from exceptions.errors import VerbNotAllowed
from exceptions.expected import is_expectation
from exceptions.groups import lacking_the_same
from exceptions.lifecycle import CaseState, allowed
from exceptions.models import ExceptionCase
from exceptions.services.acts import lock_case, refuse_stale
from exceptions.services.cases import note, save, snapshot
from exceptions.services.look_again import look_again
from exceptions.services.stock_cases import push_offer
from orders.selectors import lock_orders
from orders.services.resume import resume_held_order

SNAPSHOT_SHRANK = "inventory.snapshot_shrank"


@transaction.atomic
def replay_case(
    *, case_id: int, actor_id: int | None, now: datetime, version: int | None = None
) -> ExceptionCase:
    """Replay what is behind the case. Pressing twice replays once. Raises `VerbNotAllowed`."""
    return take_again(case_id=case_id, actor_id=actor_id, now=now, version=version)[0]


@transaction.atomic
def take_again(
    *,
    case_id: int,
    actor_id: int | None,
    now: datetime,
    version: int | None = None,
    within: str = "",
) -> tuple[ExceptionCase, bool]:
    """The same, and whether it was this call that began it; `within` names the run it is part of.

    Raises `VerbNotAllowed`.
    """
    lock_behind(case_id)
    case = lock_case(case_id)
    if case.state == CaseState.REPLAYING:
        return case, False
    if not allowed("replay", CaseState(case.state)):
        raise VerbNotAllowed(f"This case is {case.state.lower()}; there is nothing to replay.")
    refuse_stale(case, actor_id=actor_id, version=version)
    before = snapshot(case)
    case.state, case.wake_at, case.cure = CaseState.REPLAYING, None, _cure_of(case)
    text = f"{_sentence(case)} · {within}" if within else _sentence(case)
    note(case, "replay", now, actor_id=actor_id, text=text, before=before)
    save(case)
    if not _replay(case, now):
        raise VerbNotAllowed("There is nothing to replay: it is under way or done already.")
    case.refresh_from_db()
    return case, True


def _cure_of(case: ExceptionCase) -> str:
    """What was changed before the replay, for those who meet the same again."""
    corrected = InboundMessage.objects.filter(pk=case.inbound_id or 0, edited_body__isnull=False)
    return "edit" if case.inbound_id and corrected.exists() else ""


def lock_behind(case_id: int) -> None:
    """What a case points at is locked before the case, as workers do: never in a circle."""
    case = ExceptionCase.objects.get(pk=case_id)
    if case.inbound_id:
        InboundMessage.objects.select_for_update().get(pk=case.inbound_id)
    elif case.outbound_id:
        OutboundMessage.objects.select_for_update().get(pk=case.outbound_id)
    elif case.order_id:
        lock_orders([case.order_id])


def _replay(case: ExceptionCase, now: datetime) -> bool:
    if case.inbound_id:
        return replay_inbound(message_id=case.inbound_id, now=now)
    if case.outbound_id:
        return replay_outbound(message_id=case.outbound_id, now=now)
    if is_expectation(case.code):
        return look_again(case, now=now)
    if case.order_id:
        return resume_held_order(order_id=case.order_id, code=case.code, now=now)
    return _replay_named(case)


def _replay_named(case: ExceptionCase) -> bool:
    if offer_id := case.context.get("offer_id"):
        return push_offer(offer_id=offer_id)
    if run_id := case.context.get("snapshot_run_id"):
        return run_again(run_id=run_id, is_forced=case.code == SNAPSHOT_SHRANK)
    return False


def _sentence(case: ExceptionCase) -> str:
    if case.outbound is not None:
        return f"Sent again with key {case.outbound.effect_key}"
    if is_expectation(case.code):
        return "Looked again, and asked for what is owed"
    return "Taken again"


@transaction.atomic
def follow_mapping(*, case_id: int, actor_id: int, text: str, now: datetime) -> int:
    """The row a case lacks was saved: what waited for it is under way. Returns how many follow."""
    waiting = lacking_the_same(ExceptionCase.objects.get(pk=case_id))
    locked = waiting.select_for_update(of=("self",)).exclude(state=CaseState.REPLAYING)
    rows = list(locked.order_by("pk"))
    for case in rows:
        before = snapshot(case)
        case.state, case.wake_at, case.cure = CaseState.REPLAYING, None, "mapping"
        note(case, "replay", now, actor_id=actor_id, text=text, before=before)
        save(case)
    return len(rows)
