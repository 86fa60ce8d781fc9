"""A file of stock ended -> a case for what a person must do about it, or none any more."""

from __future__ import annotations

from datetime import datetime

from connectors.models import Connection
from exceptions.candidates import closest_items
from exceptions.models import ExceptionCase
from exceptions.services.cases import Problem, close_cured, open_case
from exceptions.services.recount import close_counted
from exceptions.services.replay import SNAPSHOT_SHRANK
from inventory.models import SnapshotRun

UNKNOWN_CODES = "inventory.snapshot_codes"
UNREADABLE = "inventory.snapshot_unreadable"
MOST_NAMED = 20

State = SnapshotRun.State


def follow_snapshot(*, run_id: int, now: datetime) -> None:
    """One case per connection and trouble, however many rows are in it; closed when it is over."""
    run = SnapshotRun.objects.select_related("previous").get(pk=run_id)
    connection = Connection.objects.get(slug=run.source)
    for code, detail in _troubles(run).items():
        if detail:
            open_case(
                Problem(
                    code=code,
                    detail=detail,
                    context={
                        "snapshot_run_id": run.pk,
                        "unknown": run.unknown,
                        "codes": run.unknown_codes,
                    },
                    connection_id=connection.pk,
                    connection_name=connection.name,
                ),
                now=now,
            )
        elif run.state == State.APPLIED:
            cases = ExceptionCase.objects.filter(code=code, connection=connection)
            close_cured(cases, how="by itself", now=now)
    if run.state == State.APPLIED:
        close_counted(now=now)


def _troubles(run: SnapshotRun) -> dict[str, str]:
    return {
        SNAPSHOT_SHRANK: _shrunk(run) if run.state == State.HELD else "",
        UNREADABLE: f"{run}: {run.error}" if run.state == State.FAILED else "",
        UNKNOWN_CODES: _codes(run) if run.state == State.APPLIED else "",
    }


def _shrunk(run: SnapshotRun) -> str:
    before = run.previous
    return (
        f"{run} counts {run.units} units in {run.rows} rows; the one before"
        f" {before.units if before else 0} units in {before.rows if before else 0} rows."
    )


def _codes(run: SnapshotRun) -> str:
    """The unknown codes with what they may mean, as many as a person reads."""
    alike = closest_items(run.unknown_codes.get("SKU", [])[:MOST_NAMED])
    lines = []
    for table, codes in sorted(run.unknown_codes.items()):
        named = [f"{c} (perhaps {alike[c]})" if c in alike else c for c in codes[:MOST_NAMED]]
        more = " …" if len(codes) > MOST_NAMED else ""
        lines.append(f"{_TABLES[table]}: {', '.join(named)}{more}")
    return "\n".join([f"{run.unknown} rows of {run} were not applied.", *lines]) if lines else ""


_TABLES = {"SKU": "SKU", "LOCATION": "Location", "UNIT": "Unit"}
