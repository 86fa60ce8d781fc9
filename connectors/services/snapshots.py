"""Files of stock: taken from whoever speaks for a connection, and run one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef

from connectors.models import CodeMapping, Connection
from connectors.services.authority import StockAuthority
from inventory.events import SnapshotStored
from inventory.models import SnapshotPart, SnapshotRun
from inventory.services.apply_snapshot import apply_snapshot
from inventory.services.keep_snapshot import keep_snapshot
from inventory.services.spell_snapshot import Words
from retailhub.kernel.events import publish

State = SnapshotRun.State


def take_snapshot(
    chunks: Iterable[bytes],
    *,
    connection: Connection,
    key: str,
    counted_at: datetime,
) -> SnapshotRun:
    """Store a file for its turn; the same key with the same bytes gives the same run.

    Raises `SnapshotUnreadable` over the size cap, `SnapshotKeyReused` for other bytes.
    """
    return keep_snapshot(
        chunks,
        source=connection.slug,
        key=key,
        counted_at=counted_at,
        most=settings.SNAPSHOT_MAX_BYTES,
    )


def run_due_snapshots(*, now: datetime) -> int:
    """Run every file that waits, oldest first. Returns how many ran here."""
    due = SnapshotRun.objects.filter(state__in=[State.READY, State.RUNNING])
    ran = 0
    for run_id, source in due.order_by("pk").values_list("pk", "source"):
        ran += _run_alone(run_id, source, now)
    return ran


def ring_for_waiting() -> int:
    """Ring again for files whose doorbell was lost, or whose worker. Returns how many wait."""
    due = SnapshotRun.objects.filter(state__in=[State.READY, State.RUNNING])
    waiting = list(due.order_by("pk").values_list("pk", flat=True)[:10])
    for run_id in waiting:
        publish(SnapshotStored(run_id=run_id))
    return len(waiting)


def _run_alone(run_id: int, source: str, now: datetime) -> bool:
    """Run it unless somebody else is at this source. Who dies lets go of the lock."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 846))", [source])
        if not cursor.fetchone()[0]:
            return False
        try:
            run = SnapshotRun.objects.get(pk=run_id)
            if run.state not in {State.READY, State.RUNNING}:
                return False
            apply_snapshot(run, words_of(source), most=settings.SNAPSHOT_MAX_UNPACKED, now=now)
            return True
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 846))", [source])


def words_of(source: str) -> Words:
    """What the codes of this connection mean to us."""
    connection = Connection.objects.get(slug=source)
    rows = CodeMapping.objects.filter(connection=connection)
    inward: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows.exclude(direction=CodeMapping.Direction.OUTWARD).order_by("pk"):
        inward[row.table][row.external_code] = row.canonical_code
    return Words(
        inward,
        frozenset(connection.settings.get("strict_tables", ())),
        tuple(StockAuthority().closed_to(connection)),
    )


@transaction.atomic
def run_again(*, run_id: int, is_forced: bool) -> bool:
    """Let a run that ended be run once more, though it shrank if `is_forced`.

    False when it is under way, or when its file is not kept any more.
    """
    kept = SnapshotPart.objects.filter(run=OuterRef("pk"))
    ended = SnapshotRun.objects.filter(Exists(kept), pk=run_id)
    ended = ended.exclude(state__in=[State.READY, State.RUNNING])
    if not ended.update(state=State.READY, is_forced=is_forced):
        return False
    publish(SnapshotStored(run_id=run_id))
    return True
