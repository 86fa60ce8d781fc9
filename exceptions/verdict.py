"""What came of looking whether a case is cured?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exceptions.models import ExceptionCase


class Verdict(StrEnum):
    """What the records say."""

    CURED = "CURED"
    NOT_CURED = "NOT_CURED"
    LATER = "LATER"  # it is on its way
    ASK = "ASK"  # only the other system itself can tell
    WORD = "WORD"  # nothing shows it: whoever closed it must know


@dataclass(frozen=True)
class Finding:
    """A verdict and its evidence, in words for the person who closed the case."""

    verdict: Verdict
    text: str


Cases = Sequence[ExceptionCase]
Verifier = Callable[[Cases], dict[int, Finding]]


def cured(text: str) -> Finding:
    """It is."""
    return Finding(Verdict.CURED, text)


def not_cured(text: str) -> Finding:
    """It is not."""
    return Finding(Verdict.NOT_CURED, text)


def later(text: str) -> Finding:
    """It can't be told yet."""
    return Finding(Verdict.LATER, text)


def on_their_word(text: str) -> Finding:
    """It can't be told at all."""
    return Finding(Verdict.WORD, text)


def only_a_person_knows(cases: Cases) -> dict[int, Finding]:
    """What happens in calls and in heads leaves no record."""
    return {case.pk: on_their_word("Nothing on record could show it") for case in cases}


def name_of(case: ExceptionCase) -> str:
    """The other side, in a sentence."""
    return case.connection.name if case.connection else "The system"
