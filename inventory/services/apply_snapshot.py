"""A stored file -> stage, compare, merge slice by slice. Can be run again at any point."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile

from django.db import transaction
from django.db.models import DateTimeField, Func

from inventory.errors import SnapshotUnreadable
from inventory.events import SnapshotEnded
from inventory.models import SnapshotPart, SnapshotRun
from inventory.services.announce_snapshot import announce_snapshot
from inventory.services.compare_snapshot import Comparison, compare_snapshot
from inventory.services.keep_snapshot import PART
from inventory.services.mark_snapshot import mark_snapshot, newest_movement
from inventory.services.merge_snapshot import Slice, merge_slice
from inventory.services.spell_snapshot import Words
from inventory.services.stage_snapshot import Staged, drop_staging, stage_snapshot
from inventory.snapshots import unpacked
from retailhub.kernel.events import publish

State = SnapshotRun.State
# A file with less than this share of the one before is rather a broken export.
SHRUNK = 0.5
MOST_BROKEN_OFF = 3
IN_MEMORY = 16 * PART


def apply_snapshot(run: SnapshotRun, words: Words, *, most: int, now: datetime) -> None:
    """Apply a run that the caller alone has, and say how it ended: applied, held or failed.

    A run that was broken off is run again from its beginning: what it had applied is true by then.
    """
    name = f"inventory_staging_{run.pk}"
    _begin(run, now)
    try:
        _check_attempts(run)
        staged = _stage(run, name, most)
        newest_id = newest_movement()
        with transaction.atomic():
            found = compare_snapshot(staged, words, counted_at=run.counted_at, now=now)
        _note(run, found)
        if _has_shrunk(run, found):
            _end(run, State.HELD)
            return
        _merge(run, name, found)
        mark_snapshot(
            source=run.source,
            key=_key(run, run.attempt),
            table=name,
            found=found,
            words=words,
            newest_id=newest_id,
        )
        announce_snapshot(
            table=name,
            location_ids=list(found.shelves),
            keys=[_key(run, attempt + 1) for attempt in range(run.attempt)],
        )
        _end(run, State.APPLIED)
    except SnapshotUnreadable as error:
        _end(run, State.FAILED, str(error))
    finally:
        drop_staging(name)


def _stage(run: SnapshotRun, name: str, most: int) -> Staged:
    # On our disk first: the connection that takes the rows in can't be asked for the next piece.
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        parts = SnapshotPart.objects.filter(run=run).order_by("number")
        for number in parts.values_list("number", flat=True):  # one piece in memory at a time
            file.write(parts.get(number=number).body)

        def opened() -> Iterator[bytes]:
            file.seek(0)
            return unpacked(iter(lambda: file.read(PART), b""), most=most)

        return stage_snapshot(name, opened)


def _key(run: SnapshotRun, attempt: int) -> str:
    return f"snapshot:{run.pk}.{attempt}"


def _begin(run: SnapshotRun, now: datetime) -> None:
    earlier = SnapshotRun.objects.filter(source=run.source, state=State.APPLIED, pk__lt=run.pk)
    run.previous = earlier.order_by("-pk").first()
    run.broken_off += run.state == State.RUNNING
    run.attempt += 1
    run.state, run.started_at, run.finished_at, run.error = State.RUNNING, now, None, ""
    run.added = run.changed = run.outdated = run.unchanged = 0
    run.save()


def _check_attempts(run: SnapshotRun) -> None:
    if run.broken_off >= MOST_BROKEN_OFF:
        raise SnapshotUnreadable(f"It was broken off {run.broken_off} times before it ended.")


def _note(run: SnapshotRun, found: Comparison) -> None:
    run.rows, run.rejected, run.unknown = found.rows, found.rejected, found.unknown
    run.units, run.samples, run.unknown_codes = found.units, found.samples, found.unknown_codes
    run.save()


def _has_shrunk(run: SnapshotRun, found: Comparison) -> bool:
    before = run.previous
    if run.is_forced or before is None:
        return False
    good = before.rows - before.rejected - before.unknown
    return found.good < good * SHRUNK or found.units < before.units * SHRUNK


def _merge(run: SnapshotRun, name: str, found: Comparison) -> None:
    for location_id, number, rows, new in found.slices:
        merged = merge_slice(
            Slice(
                key=_key(run, run.attempt),
                reason=str(run),
                source=run.source,
                table=name,
                location_id=location_id,
                number=number,
                rows=rows,
                new=new,
                mark_at=found.counted_at,
            )
        )
        run.added += merged.added
        run.changed += merged.changed
        run.outdated += merged.outdated
    run.unchanged = found.good - run.added - run.changed - run.outdated


@transaction.atomic
def _end(run: SnapshotRun, state: SnapshotRun.State, error: str = "") -> None:
    run.state, run.error, run.broken_off = state, error, 0
    run.save()
    # The database's clock, as the run took its time.
    ended = Func(function="clock_timestamp", output_field=DateTimeField())
    SnapshotRun.objects.filter(pk=run.pk).update(finished_at=ended)
    publish(SnapshotEnded(run_id=run.pk))
