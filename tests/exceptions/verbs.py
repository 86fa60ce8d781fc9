"""Every act on a case, with what else it must be told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from exceptions.models import ExceptionCase
from exceptions.services import acts

ACTS: dict[str, Callable[..., ExceptionCase]] = {
    "claim": acts.claim_case,
    "take_over": partial(acts.take_over_case, reason="on holiday"),
    "release": acts.release_case,
    "wait": partial(acts.wait_case, on_whom="the customer"),
    "snooze": partial(acts.snooze_case, minutes=30),
    "wake": acts.wake_case,
    "resolve": partial(acts.resolve_case, reason="done"),
    "ignore": partial(acts.ignore_case, reason="never mind"),
    "reopen": partial(acts.reopen_case, reason="not done"),
}
