"""manage.py import_snapshot FILE --connection SLUG: a whole file of stock, applied."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connectors.models import Connection
from connectors.services.snapshots import run_again, run_due_snapshots, take_snapshot
from inventory.models import SnapshotRun
from retailhub.kernel.errors import NeedsOperator

NUMBERS = ("rows", "added", "changed", "unchanged", "outdated", "unknown", "rejected")


class Command(BaseCommand):
    help = (
        "Apply a CSV file of item-location rows (gzip or plain) as a connection's snapshot of its"
        " stock. The header names sku, location, quantity; unit and counted_at may be there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--connection", required=True, help="slug of the connection")
        parser.add_argument("--counted-at", help="ISO 8601; default: when the file was written")
        parser.add_argument("--key", help="default: the file's own bytes")
        parser.add_argument("--force", action="store_true", help="apply it though it shrank")

    def handle(self, *_args: Any, **options: Any) -> None:
        connection = Connection.objects.filter(slug=options["connection"]).first()
        if connection is None:
            raise CommandError(f"There is no connection {options['connection']}.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            run = take_snapshot(
                chunks_of(path),
                connection=connection,
                key=options["key"] or _digest(path),
                counted_at=_moment(options["counted_at"], path),
            )
        except NeedsOperator as error:
            raise CommandError(str(error)) from error
        if options["force"]:
            SnapshotRun.objects.filter(pk=run.pk).update(is_forced=True)
            run_again(run_id=run.pk, is_forced=True)
        run_due_snapshots(now=timezone.now())
        run.refresh_from_db()
        self._print(run)

    def _print(self, run: SnapshotRun) -> None:
        before = run.previous
        for name in NUMBERS:
            earlier = f"  (before: {getattr(before, name)})" if before else ""
            self.stdout.write(f"{getattr(run, name):>10} {name}{earlier}")
        for sample in run.samples:
            self.stdout.write(f"row {sample['row']}: {sample['why']}: {sample['text']}")
        seconds = run.duration.total_seconds() if run.duration else 0
        self.stdout.write(f"{run}: {run.get_state_display()}, {seconds:.1f} s")
        if run.state != SnapshotRun.State.APPLIED:
            raise CommandError(run.error or f"{run}: {run.get_state_display()}.")


def chunks_of(path: Path) -> Iterator[bytes]:
    """The file, a bounded piece at a time."""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _moment(text: str | None, path: Path) -> datetime:
    if text is None:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise CommandError("--counted-at is not a time with a zone, like 2026-11-20T09:30:00Z.")
    return moment
