"""Tell once more what was told or given up, under the same id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from exceptions.models import Notice, Subscription


@transaction.atomic
def send_again(*, notice_ids: Sequence[UUID], now: datetime) -> int:
    """Make these due again, and their addresses with them. Returns how many."""
    rows = Notice.objects.filter(pk__in=notice_ids)
    addresses = list(rows.values_list("subscription_id", flat=True).distinct().order_by())
    Subscription.objects.filter(pk__in=addresses).update(next_try_at=now)
    return rows.update(state=Notice.State.READY, attempts=0, sent_at=None, error="")
