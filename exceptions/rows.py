"""How does a case read in one line?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from exceptions.held import held_by
from exceptions.incidents import INCIDENTS
from exceptions.models import ExceptionCase
from exceptions.models.proof import Proof
from retailhub.kernel.money import to_cents

SEVERITIES = {1: "low", 2: "medium", 3: "high", 4: "critical"}
SOON = timedelta(minutes=30)


@dataclass(frozen=True)
class StateWord:
    """A state as a pill: word, colour, icon."""

    slug: str
    label: str
    color: str
    icon: str


@dataclass(frozen=True)
class Sla:
    """Time left until due: over, soon, ok or paused."""

    state: str
    text: str
    due_at: str


@dataclass(frozen=True)
class CaseRow:
    """One row of the queue. `held` is what waits for an incident, None for any other case."""

    id: int
    version: int
    severity: str
    title: str
    order_number: str
    route: str
    attempts_text: str
    value: str
    sla: Sla | None
    state: StateWord
    href: str
    count: int = 1
    badges: tuple[StateWord, ...] = ()
    held: str | None = None


_WORDS = {
    "NEW": ("New", "blue", "open"),
    "CLAIMED": ("Claimed", "violet", "claim"),
    "REPLAYING": ("Replaying", "teal", "replay"),
    "WAITING": ("Waiting", "gray", "pause"),
    "SNOOZED": ("Snoozed", "amber", "clock"),
    "RESOLVED": ("Resolved", "green", "check"),
    "IGNORED": ("Ignored", "gray", "minus"),
}


def state_word(case: ExceptionCase) -> StateWord:
    """The pill of a case; a claimed one names its owner, one that failed again says so."""
    label, color, icon = _WORDS[case.state]
    if case.state == "CLAIMED" and case.owner is not None:
        label = f"Claimed · {person(case.owner)}"
    elif case.state == "NEW" and case.failed_again:
        label, color, icon = "Failed again", "red", "x"
    elif case.state == "NEW" and case.owner is not None:
        label = f"New · {person(case.owner)}"
    return StateWord(case.state.lower(), label, color, icon)


_PROOFS = {
    Proof.UNVERIFIED: ("blue", "clock"),
    Proof.VERIFIED: ("green", "check"),
    Proof.NOT_CURED: ("red", "alert"),
    Proof.WORD: ("gray", "minus"),
}


def proof_word(case: ExceptionCase) -> StateWord | None:
    """The pill that says whether the cure was seen; none where nobody claimed one."""
    if not case.proof:
        return None
    color, icon = _PROOFS[Proof(case.proof)]
    return StateWord(case.proof.lower(), case.get_proof_display(), color, icon)


def proof_fact(case: ExceptionCase) -> list[tuple[str, str, bool]]:
    """What was seen of the cure, and when: (label, value, is marked)."""
    if not case.proof:
        return []
    said = [case.proof_text or _UNSEEN.get(case.proof, "")]
    if case.proof_at is not None:
        said.append(f"looked {timezone.localtime(case.proof_at):%d %b %H:%M}")
    text = ", ".join(part for part in said if part)
    return [(case.get_proof_display(), text, case.proof == Proof.NOT_CURED)]


_UNSEEN = {
    Proof.UNVERIFIED.value: "RetailHub looks at it within a minute",
    Proof.WORD.value: "Taken as said by whoever closed it",
}


def person(user: object) -> str:
    """A colleague's short name."""
    model = get_user_model()
    if not isinstance(user, model):
        return ""
    return user.get_short_name() or user.get_username()


def sla_of(case: ExceptionCase, now: datetime) -> Sla | None:
    """The clock of a case; none once it is closed."""
    if case.closed_at is not None:
        return None
    due_at = case.due_at.isoformat()
    if case.paused_at is not None:
        return Sla("paused", "Paused", due_at)
    left = case.due_at - now
    if left < timedelta(0):
        return Sla("over", f"−{duration(-left)}", due_at)
    return Sla("soon" if left < SOON else "ok", duration(left), due_at)


def clock_facts(case: ExceptionCase, now: datetime) -> list[tuple[str, str, bool]]:
    """The clock until somebody is at it, and why the clocks stand: (label, value, is marked)."""
    facts = []
    if case.respond_due_at is not None:
        facts.append(("First answer", *_answer(case, case.respond_due_at, now)))
    if case.paused_at is not None and case.closed_at is None:
        stood = duration(case.paused_for + (now - case.paused_at))
        facts.append(("Clock stands", f"{case.get_pause_reason_display()} · {stood}", False))
    return facts


def _answer(case: ExceptionCase, due_at: datetime, now: datetime) -> tuple[str, bool]:
    at = case.responded_at or now
    span = duration(abs(due_at - at))
    if case.responded_at is not None:
        return (f"{span} late", True) if at > due_at else (f"In time, {span} early", False)
    return (f"{span} late", True) if at > due_at else (f"{span} left", False)


def duration(span: timedelta) -> str:
    """`22 m`, `3 h 10 m`, `1 d 4 h`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def money_text(case: ExceptionCase) -> str:
    """`189.90 EUR`, or nothing when no money hangs on it."""
    if case.value is None or not case.currency:
        return ""
    return f"{to_cents(case.value, case.currency)} {case.currency}"


def rows_of(cases: Sequence[ExceptionCase]) -> list[CaseRow]:
    """The rows of a page; incidents say what waits for them, in one query more if there are any."""
    found = held_by(case for case in cases if case.code in INCIDENTS and case.closed_at is None)
    return [row_of(case, held=found[case.pk].text if case.pk in found else None) for case in cases]


def row_of(case: ExceptionCase, now: datetime | None = None, held: str | None = None) -> CaseRow:
    """The row of a case loaded by `most_urgent`."""
    tries = (
        case.outbound.attempts if case.outbound else case.inbound.attempts if case.inbound else 0
    )
    return CaseRow(
        id=case.pk,
        version=case.version,
        severity=SEVERITIES[case.severity],
        title=case.title,
        order_number=case.order_number,
        route=route_of(case),
        attempts_text=f"{tries} {'try' if tries == 1 else 'tries'}" if tries else "",
        value=money_text(case),
        sla=sla_of(case, now or timezone.now()),
        state=state_word(case),
        href=reverse("case", args=[case.pk]),
        badges=badges_of(case),
        held=held,
    )


def badges_of(case: ExceptionCase) -> tuple[StateWord, ...]:
    """Facts that stand beside the state, whatever it is."""
    recurs = StateWord("recurring", "Recurring", "amber", "replay") if case.recurs_id else None
    return tuple(word for word in (recurs, proof_word(case)) if word is not None)


def route_of(case: ExceptionCase) -> str:
    """Where it is stuck: `to NetSuite`, `from Shopify DE`."""
    name = case.connection.name if case.connection else ""
    if case.outbound_id:
        return f"to {name}"
    if case.inbound_id:
        return f"from {name}"
    return name or "Stock"
