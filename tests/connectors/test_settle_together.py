"""Answers that came together share a transaction; none of them shares another's fate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.lifecycle import Criticality
from connectors.models import Attempt, ExternalReference, OutboundMessage
from connectors.services import deliver, settle
from connectors.services.claim import claim_effects
from connectors.services.deliver import Answered
from connectors.services.sent import Sent, write_sent
from connectors.systems.base import Receipt
from connectors.systems.http import RemoteRejected
from tests.connectors.conftest import Owe

Answers = Callable[[range], list[Answered]]


@pytest.fixture
def answers(owe: Owe, time_passes: Callable[[], None]) -> Answers:
    """Good answers to effects that were claimed and sent."""

    def ask(numbers: range) -> list[Answered]:
        for number in numbers:
            owe(f"R{number}", lane=f"order:{number}")
        time_passes()
        attempts = claim_effects(list(Criticality), 32)
        assert len(attempts) == len(numbers)
        return [
            Answered(attempt.message, attempt, _receipt(attempt.message), None, False, 7)
            for attempt in attempts
        ]

    return ask


def _receipt(message: OutboundMessage) -> Receipt:
    return Receipt(external_id=f"SO-{message.reference}", response={"ok": True})


def _states() -> dict[str, str]:
    return dict(OutboundMessage.objects.values_list("reference", "state"))


def _questions(answered: Sequence[Answered]) -> int:
    with CaptureQueriesContext(connection) as questions:
        settle.settle_answers(answered, now=timezone.now())
    return len(questions)


def test_ten_answers_ask_as_much_as_one(answers: Answers) -> None:
    alone = _questions(answers(range(1)))

    assert _questions(answers(range(1, 11))) == alone
    assert set(_states().values()) == {"SENT"}
    assert ExternalReference.objects.get(reference="R7").external_id == "SO-R7"
    attempt = Attempt.objects.get(message__reference="R7")
    assert (attempt.outcome, attempt.milliseconds) == ("SENT", 7)
    assert attempt.response == {"ok": True}


def test_a_late_and_a_bad_answer_change_nothing_for_the_others(answers: Answers) -> None:
    together = answers(range(3))
    OutboundMessage.objects.filter(reference="R0").update(lease_token=99)
    refused = RemoteRejected("No.", status=422)
    late, bad = together[0], together[1]
    together[0] = Answered(late.message, late.attempt, None, None, True, 7)
    together[1] = Answered(bad.message, bad.attempt, None, refused, False, 7)

    settle.settle_answers(together, now=timezone.now())

    assert _states() == {"R0": "SENDING", "R1": "DEAD", "R2": "SENT"}
    assert Attempt.objects.get(message__reference="R0").outcome == "LATE"


def test_an_answer_that_breaks_the_transaction_is_settled_apart(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = answers(range(3))
    honest = write_sent

    def trips_over_the_first(sent: Sequence[Sent], **more: object) -> None:
        if any(message.reference == "R0" for message, _, _ in sent):
            raise ValueError("our bug")
        honest(sent, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("connectors.services.settle.write_sent", trips_over_the_first)

    errors = deliver._settle_together(together)

    assert [str(error) for error in errors] == ["our bug"]
    assert _states() == {"R0": "SENDING", "R1": "SENT", "R2": "SENT"}
