"""manage.py contracts FOLDER: vendors' samples through the real hook, and what became of each."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from retailhub.contracts import judge_shopify

BAD = frozenset({"REFUSED", "WRONG SUM", "RECEIVED", "WAITING", "PROCESSING"})


class Command(BaseCommand):
    help = (
        "Send vendors' samples through the real hook, in a scratch database, and tell the outcome."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="holds one folder per vendor, e.g. shopify/")
        parser.add_argument("--summary", action="store_true", help="only the totals")

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path = options["folder"] / "shopify"
        if not folder.is_dir():
            raise CommandError(f"There is no {folder}. Give the folder that holds shopify/.")
        name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            totals = self._print(folder, options["summary"])
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
        self.stdout.write("")
        for outcome, count in totals.most_common():
            self.stdout.write(f"{count:6} {outcome}")
        if not BAD.isdisjoint(totals):
            raise CommandError("Some samples were refused, lost or do not add up.")

    def _print(self, folder: Path, is_summary: bool) -> Counter[str]:
        totals: Counter[str] = Counter()
        for verdict in judge_shopify(folder):
            totals[verdict.outcome] += 1
            if not is_summary:
                place = str(verdict.path.relative_to(folder))
                self.stdout.write(
                    f"{place:72} {verdict.topic:32} {verdict.outcome:10} {verdict.reason}"
                )
        return totals
