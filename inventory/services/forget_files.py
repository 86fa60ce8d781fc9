"""Files of stock that nobody will run again are let go of; what became of them stays on record."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from inventory.models import SnapshotPart, SnapshotRun

State = SnapshotRun.State
# Applied as a whole: kept only so that a surprise can be looked into.
KEEP_DONE = timedelta(days=1)
# A person may still run it again, once it is forced, mapped or mended.
KEEP_OPEN = timedelta(days=30)
AT_ONCE = 20


@transaction.atomic
def forget_files(*, now: datetime) -> int:
    """Delete the pieces of the oldest files no run needs, `AT_ONCE` at most. Returns how many.

    A file goes whole or not at all. One that waits or runs is needed however old it is.
    """
    whole = Q(state=State.APPLIED, unknown=0, finished_at__lt=now - KEEP_DONE)
    ended = Q(state__in=[State.APPLIED, State.HELD, State.FAILED])
    done = SnapshotRun.objects.filter(whole | (ended & Q(finished_at__lt=now - KEEP_OPEN)))
    stored = SnapshotPart.objects.order_by("run_id").values("run_id").distinct()
    # Whoever lets a run go on has its row first, and then its file stays.
    runs = done.filter(pk__in=stored).select_for_update(skip_locked=True).order_by("pk")
    files = SnapshotPart.objects.filter(run_id__in=[run.pk for run in runs[:AT_ONCE]])
    return files.delete()[0]
