"""Closed is a claim. A worker looks whether it is true, and opens again what is not cured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connectors.services.prove import Look, Seen, prove_effect
from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.models.proof import Proof
from exceptions.services.acts import lock_case, refuse_twin
from exceptions.services.cases import close_cured, note, save, snapshot
from exceptions.services.replay import lock_behind
from exceptions.verdict import Finding, Verdict, cured, later, not_cured, on_their_word
from exceptions.verifiers import verify

BATCH = 20
# A run ends so that the other jobs of the clock come in time.
TURN_SECONDS = 4.0
# A worker that took some and vanished leaves them to the others after this long.
LEASE = timedelta(minutes=2)
# It was opened again while the cure was on its way: it closes by itself then.
SECOND_LOOK = timedelta(minutes=1) * settings.POLICY_TIME_SCALE
LONGEST_PAUSE = timedelta(hours=1) * settings.POLICY_TIME_SCALE
# What can't be told for so long is left at the word of whoever closed it.
PATIENCE = timedelta(days=1) * settings.POLICY_TIME_SCALE


def verify_due(*, now: datetime) -> int:
    """Look at cases whose cure is claimed. Returns how many were looked at.

    Any number of workers may look at once; each case is looked at by one of them.
    """
    looked, until = 0, time.monotonic() + TURN_SECONDS
    while batch := _take(now):
        looked += _look_at(batch, until, now)
        if time.monotonic() >= until:
            break
    return looked


@transaction.atomic(durable=True)
def _take(now: datetime) -> list[ExceptionCase]:
    due = ExceptionCase.objects.filter(proof_due_at__lte=now).order_by("proof_due_at", "pk")
    ids = list(
        due.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:BATCH]
    )
    taken = ExceptionCase.objects.filter(pk__in=ids)
    taken.update(proof_due_at=now + LEASE)
    loaded = taken.select_related("connection", "inbound", "outbound", "order")
    return list(loaded.order_by("pk"))


def _look_at(cases: Sequence[ExceptionCase], until: float, now: datetime) -> int:
    found, silent = verify(cases), set[int]()
    for number, case in enumerate(cases):
        if time.monotonic() >= until:
            left = [one.pk for one in cases[number:]]
            ExceptionCase.objects.filter(pk__in=left, proof_due_at=now + LEASE).update(
                proof_due_at=now
            )
            return number
        finding = found[case.pk]
        if finding.verdict == Verdict.ASK:
            finding = _ask(case, finding, silent, now)
        _settle(case, finding, now)
    return len(cases)


def _ask(case: ExceptionCase, finding: Finding, silent: set[int], now: datetime) -> Finding:
    """What the other system itself says. One that did not answer is not asked again this time."""
    connection_id = case.connection_id or 0
    if case.outbound_id is None or connection_id in silent:
        return later("It could not be asked")
    look = prove_effect(message_id=case.outbound_id, now=now)
    if look.seen == Seen.LATER:
        silent.add(connection_id)
    name = case.connection.name if case.connection else "The system"
    return _SAID[look.seen](look, name, finding)


_SAID: dict[Seen, Callable[[Look, str, Finding], Finding]] = {
    Seen.FOUND: lambda look, name, _: cured(f"{name} has {look.text or 'it'}"),
    Seen.ABSENT: lambda _, __, finding: not_cured(finding.text),
    Seen.MOVED: lambda *_: later("It is on its way"),
    Seen.LATER: lambda look, *_: later(look.text),
    Seen.BLIND: lambda look, *_: on_their_word(look.text),
}


@transaction.atomic
def _settle(seen: ExceptionCase, finding: Finding, now: datetime) -> None:
    """Write what was found, if the case still stands as it was when we looked."""
    lock_behind(seen.pk)
    case = lock_case(seen.pk)
    if (case.proof, case.closed_at) != (seen.proof, seen.closed_at):
        return
    if finding.verdict == Verdict.NOT_CURED:
        finding = _once_more(case, finding)
    if case.closed_at is None:
        _second_look(case, finding, now)
        return
    _WRITE[finding.verdict](case, finding, now)


def _once_more(case: ExceptionCase, finding: Finding) -> Finding:
    """Now that nobody can change what it points at: nothing that is cured is opened again."""
    again = verify([case])[case.pk]
    return finding if again.verdict in {Verdict.NOT_CURED, Verdict.ASK} else again


def _second_look(case: ExceptionCase, finding: Finding, now: datetime) -> None:
    case.proof_due_at = None
    case.save(update_fields=["proof_due_at", "updated_at"])
    if finding.verdict == Verdict.CURED and case.state != CaseState.REPLAYING:
        close_cured(ExceptionCase.objects.filter(pk=case.pk), how="by itself", now=now)


def _verified(case: ExceptionCase, finding: Finding, now: datetime) -> None:
    _write(case, Proof.VERIFIED, finding.text, now)
    note(case, "verified", now, text=f"{finding.text}, looked {_clock(now)}")
    save(case)


def _reopen(case: ExceptionCase, finding: Finding, now: datetime) -> None:
    try:
        refuse_twin(case)
    except VerbNotAllowed:
        _write(case, Proof.NOT_CURED, "It stopped again: a newer case about it is open", now)
        save(case)
        return
    before = snapshot(case)
    case.state = CaseState.CLAIMED if case.owner_id else CaseState.NEW
    case.closed_at, case.resolution = None, ""
    _write(case, Proof.NOT_CURED, finding.text, now)
    case.proof_due_at = now + SECOND_LOOK
    said = f"Reopened: {finding.text}, looked {_clock(now)}"
    note(case, "not cured", now, text=said, before=before)
    save(case, verb="new")


def _wait(case: ExceptionCase, finding: Finding, now: datetime) -> None:
    age = now - (case.closed_at or now)
    if age >= PATIENCE:
        _say_so(case, on_their_word(f"{finding.text}, for a day"), now)
        return
    case.proof_due_at = now + min(max(age, SECOND_LOOK / 6), LONGEST_PAUSE)
    case.proof_text, case.proof_at = finding.text[:300], now
    case.save(update_fields=["proof_due_at", "proof_text", "proof_at", "updated_at"])


def _say_so(case: ExceptionCase, finding: Finding, now: datetime) -> None:
    _write(case, Proof.WORD, finding.text, now)
    save(case)


_WRITE: dict[Verdict, Callable[[ExceptionCase, Finding, datetime], None]] = {
    Verdict.CURED: _verified,
    Verdict.NOT_CURED: _reopen,
    Verdict.LATER: _wait,
    Verdict.WORD: _say_so,
}


def _write(case: ExceptionCase, proof: Proof, text: str, now: datetime) -> None:
    case.proof, case.proof_text = proof, text.rstrip(".")[:300]
    case.proof_at, case.proof_due_at = now, None


def _clock(now: datetime) -> str:
    return f"{timezone.localtime(now):%H:%M}"
