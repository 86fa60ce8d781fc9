"""manage.py rehearse: break everything around the hub and count what it lost or did twice."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from retailhub.local.programs import Unusable
from retailhub.rehearsal.estate import GivenUp
from retailhub.rehearsal.plan import BROKEN, Plan
from retailhub.rehearsal.rehearsal import rehearse
from retailhub.rehearsal.report import VOID, lines_after, lines_before, verdict


class Command(BaseCommand):
    help = "Rehearse failure: orders, faults, kills, a flush and a crash; then check every promise."
    requires_system_checks = []  # it starts servers of its own

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=int, default=200)
        parser.add_argument("--kills", type=int, default=10, help="SIGKILLs of worker processes")
        parser.add_argument("--seed", type=int, default=None, help="the same seed plans the same")
        parser.add_argument("--rate", type=float, default=10.0, help="orders per second")
        parser.add_argument("--budget", type=float, default=600.0, help="seconds per phase at most")
        parser.add_argument("--broken", choices=BROKEN, default="", help="plant this bug: find it")
        parser.add_argument("--calm", action="store_true", help="no faults at all")
        parser.add_argument("--keep", type=Path, help="copy ledgers and logs to this new directory")

    def handle(self, *_args: Any, **options: Any) -> None:
        plan = Plan(
            orders=options["orders"],
            kills=options["kills"],
            seed=int(time.time()) if options["seed"] is None else options["seed"],
            broken=options["broken"],
            rate=options["rate"],
            budget_seconds=options["budget"],
            calm=options["calm"],
        )
        self._say(*lines_before(plan))
        try:
            result = rehearse(plan, say=self._say, keep=options["keep"])
        except (GivenUp, Unusable) as reason:
            self._say(f"void: {reason}")
            sys.exit(VOID)
        self._say(*lines_after(result))
        sys.exit(verdict(result))

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()
