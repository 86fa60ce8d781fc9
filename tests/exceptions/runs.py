"""A system for replay runs, and a clock: a test's minutes pass in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from connectors.drains import drain_inbox, drain_outbox
from connectors.systems.base import Account, Intent, Receipt
from connectors.systems.http import HttpClient, RemoteRejected
from exceptions.lifecycle import ItemState
from exceptions.models import ReplayRun
from exceptions.services.drive_run import TICK, drive_due_run
from exceptions.services.runs import tally
from tests.browser.world import FakeSink


@dataclass
class Erp(FakeSink):
    """Refuses everything while it has a `refusal`, and for ever what it `refuses` by key."""

    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        self.asked.append(intent.effect_key)
        if intent.effect_key in self.refuses:
            raise RemoteRejected("Not this one.", status=400, answer="Not this one.")
        return super().send(http, account, intent)


class Clock:
    """Begins in the past, so that whatever is put off by it is due at once."""

    def __init__(self) -> None:
        self.now: datetime = timezone.now() - timedelta(hours=6)

    def look(self) -> int:
        """One look of one worker at the runs, and then at the messages."""
        self.now += TICK
        moved = drive_due_run(now=self.now)
        drain_inbox()
        drain_outbox()
        return moved

    def until(self, is_so: Callable[[], bool], looks: int = 2000) -> None:
        """Let workers look until it is so."""
        for _ in range(looks):
            if is_so():
                return
            self.look()
        raise AssertionError(f"never came: {numbers()}")


def numbers(run: ReplayRun | None = None) -> dict[str, int]:
    """How many items of the run stand where; what is zero is left out."""
    run = run or ReplayRun.objects.latest("pk")
    return {state.value: n for state, n in tally(run).items() if n}


def ends(run: ReplayRun) -> bool:
    """True when nothing of it is on its way and nothing more will be sent by itself."""
    run.refresh_from_db()
    return run.next_look_at is None and not run.items.filter(state=ItemState.SENT).exists()
