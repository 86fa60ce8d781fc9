"""One click: take again what the case points at, with current mapping and the same effect key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from connectors.models import InboundMessage, OutboundMessage
from connectors.services.replay import replay_inbound, replay_outbound
from connectors.services.snapshots import run_again
from exceptions.errors import VerbNotAllowed
from exceptions.expected import is_expectation
from exceptions.groups import lacking_the_same
from exceptions.lifecycle import CaseState, allowed
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services.acts import lock_case, refuse_stale
from exceptions.services.calendars import Clocks
from exceptions.services.cases import draft_note, save, save_all, snapshot
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
    case.cure = "edit" if corrected_of([case.inbound_id or 0]) else ""
    begin(case, sentence_of(case, within), now, actor_id=actor_id, clocks=Clocks()).save()
    save(case)
    if not _replay(case, now):
        raise VerbNotAllowed("There is nothing to replay: it is under way or done already.")
    case.refresh_from_db()
    return case, True


def corrected_of(message_ids: Sequence[int]) -> set[int]:
    """Which of these messages have a corrected body."""
    corrected = InboundMessage.objects.filter(pk__in=message_ids, edited_body__isnull=False)
    return set(corrected.values_list("pk", flat=True))


def begin(
    case: ExceptionCase, text: str, now: datetime, *, actor_id: int | None, clocks: Clocks
) -> CaseEvent:
    """Let a case in hand be under way; the line that says so. The caller saves both."""
    before = snapshot(case)
    case.state, case.wake_at = CaseState.REPLAYING, None
    return draft_note(
        case, "replay", now, actor_id=actor_id, text=text, before=before, clocks=clocks
    )


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


def sentence_of(case: ExceptionCase, within: str) -> str:
    """What is done, and as part of which run."""
    done = "Taken again"
    if case.outbound is not None:
        done = f"Sent again with key {case.outbound.effect_key}"
    elif is_expectation(case.code):
        done = "Looked again, and asked for what is owed"
    return f"{done} · {within}" if within else done


@transaction.atomic
def follow_mapping(*, case_id: int, actor_id: int, text: str, now: datetime) -> int:
    """The row a case lacks was saved: what waited for it is under way. Returns how many follow."""
    waiting = lacking_the_same(ExceptionCase.objects.get(pk=case_id))
    locked = waiting.select_related("policy").select_for_update(of=("self",))
    rows = list(locked.exclude(state=CaseState.REPLAYING).order_by("pk"))
    clocks = Clocks()
    for case in rows:
        case.cure = "mapping"
    lines = [begin(case, text, now, actor_id=actor_id, clocks=clocks) for case in rows]
    save_all(rows, lines, now=now)
    return len(rows)
