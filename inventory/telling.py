"""Is this number worth telling a channel now? Pure: what it was told and the channel's knobs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Mode(StrEnum):
    """When a channel hears of a change."""

    OFF = "OFF"
    CHANGE = "CHANGE"
    THRESHOLD = "THRESHOLD"
    FULL = "FULL"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Mode.OFF: "Never",
    Mode.CHANGE: "On every change",
    Mode.THRESHOLD: "When it matters (threshold)",
    Mode.FULL: "By full runs only",
}


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """A channel's settings; units, percent of what it was told, time since the first change."""

    mode: Mode
    threshold: int = 0
    step: int = 0
    percent: int = 0
    longest_wait: timedelta = timedelta(0)


def is_worth_telling(knobs: Knobs, *, told: int | None, number: int, waited: timedelta) -> bool:
    """Whether `number`, which is not what the channel was `told`, should go out now.

    None: it was told nothing yet. Selling out and coming back always matter.
    """
    if knobs.mode is not Mode.THRESHOLD:
        return knobs.mode is Mode.CHANGE
    if told is None or waited >= knobs.longest_wait:
        return True
    change = abs(number - told)
    return change > 0 and (
        min(number, told) <= knobs.threshold
        or 0 < knobs.step <= change
        or (knobs.percent > 0 and change * 100 >= knobs.percent * told)
    )
