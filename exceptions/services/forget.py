"""What was expected and came long ago is of no use any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from exceptions.models import Expectation, Notice, Subscription

KEEP = timedelta(days=90)
AT_ONCE = 5_000


def forget_expectations(*, now: datetime) -> int:
    """Delete the oldest that ended, `AT_ONCE` at most; the next run goes on. Returns how many.

    No fact is told again after so long, so none is expected twice by this.
    """
    ended = Q(met_at__lt=now - KEEP) | Q(voided_at__lt=now - KEEP)
    oldest = Expectation.objects.filter(ended).order_by("pk").values("pk")[:AT_ONCE]
    return Expectation.objects.filter(pk__in=oldest).delete()[0]


def forget_old_secrets(*, now: datetime) -> int:
    """Delete secrets that sign no more. Returns how many."""
    ended = Subscription.objects.filter(former_until__lte=now)
    return ended.update(former_ciphertext=None, former_until=None)


def forget_notices(*, now: datetime) -> int:
    """The same for what was told by webhook. What is still to be sent stays."""
    old = Notice.objects.filter(created_at__lt=now - KEEP).exclude(state=Notice.State.READY)
    return Notice.objects.filter(pk__in=old.order_by("created_at").values("pk")[:AT_ONCE]).delete()[
        0
    ]
