"""Notices -> their addresses: one worker per address at a time, no transaction on the network.

At least once and under the same id. A failure puts its address off, longer each time; one that
fails for days is switched off and a case says so.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from connectors.systems.addresses import AddressGuard
from connectors.systems.http import HttpClient
from connectors.systems.signatures import sign_standard_webhook
from exceptions.models import Notice, Subscription
from exceptions.services.cases import Problem, open_case
from exceptions.services.subscriptions import secrets_of
from retailhub.kernel.errors import HubError

BATCH = 50
TIMEOUT_SECONDS = 5.0
# One address may hold a worker so long, and its lease outlives that and the last call.
TURN_SECONDS = 5.0
LEASE = timedelta(seconds=60)
WAITS = (5, 30, 120, 600, 1800, 3600)
# A notice that is refused so often while others are taken is given up.
MOST_TRIES = 12
GIVES_UP_AFTER = timedelta(days=5)
# 410 Gone: the receiver asks us to stop.
_GONE = "It answered 410."


def send_due_notices(*, now: datetime) -> int:
    """Tell one address what it is owed. Returns how many notices it took."""
    subscription = _claim(now)
    if subscription is None:
        return 0
    until, sent, failure = time.monotonic() + TURN_SECONDS, 0, ""
    http = _client(subscription)
    try:
        for notice in _ready(subscription):
            status, failure = _post(http, subscription, notice, now)
            _settle(notice, status, failure, now)
            if failure:
                break
            sent += 1
            if time.monotonic() > until:
                break
    finally:
        http.close()
    _let_go(subscription, failure, now)
    return sent


@transaction.atomic(durable=True)
def _claim(now: datetime) -> Subscription | None:
    waiting = Notice.objects.filter(state=Notice.State.READY).values("subscription")
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    due = Subscription.objects.filter(free, is_active=True, next_try_at__lte=now, pk__in=waiting)
    locked = due.select_for_update(of=("self",), skip_locked=True)
    subscription = locked.order_by("next_try_at", "pk").first()
    if subscription is not None:
        Subscription.objects.filter(pk=subscription.pk).update(lease_until=now + LEASE)
    return subscription


def _ready(subscription: Subscription) -> list[Notice]:
    rows = Notice.objects.filter(subscription=subscription, state=Notice.State.READY)
    return list(rows.order_by("attempts", "created_at", "pk")[:BATCH])


def _client(subscription: Subscription) -> HttpClient:
    parts = urlsplit(subscription.url)
    guard = AddressGuard(frozenset(settings.PRIVATE_HOSTS_ALLOWED))
    return HttpClient(f"{parts.scheme}://{parts.netloc}", timeout=TIMEOUT_SECONDS, guard=guard)


def _post(
    http: HttpClient, subscription: Subscription, notice: Notice, now: datetime
) -> tuple[int | None, str]:
    """The answer's status, and why it does not count as taken."""
    parts = urlsplit(subscription.url)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    body = json.dumps(notice.payload, separators=(",", ":")).encode()
    try:
        secrets = secrets_of(subscription, now=now)
        at = int(now.timestamp())
        headers = sign_standard_webhook(str(notice.pk), body, *secrets, at=at)
        status = http.knock(path, content=body, headers=headers)
    except HubError as error:
        return None, str(error)[:300]
    is_taken = 200 <= status < 300
    return status, "" if is_taken else f"It answered {status}."


@transaction.atomic(durable=True)
def _settle(notice: Notice, status: int | None, failure: str, now: datetime) -> None:
    rows = Notice.objects.filter(pk=notice.pk)
    if not failure:
        rows.update(
            state=Notice.State.SENT,
            sent_at=now,
            attempts=F("attempts") + 1,
            status=status,
            error="",
        )
        return
    gives_up = notice.attempts + 1 >= MOST_TRIES
    state = Notice.State.GIVEN_UP if gives_up else Notice.State.READY
    rows.update(state=state, attempts=F("attempts") + 1, status=status, error=failure)


@transaction.atomic(durable=True)
def _let_go(subscription: Subscription, failure: str, now: datetime) -> None:
    row = Subscription.objects.select_for_update().get(pk=subscription.pk)
    changes: dict[str, Any] = {"lease_until": None, "last_error": failure}
    if not failure:
        changes |= {"failures": 0, "failing_since": None, "next_try_at": now}
    else:
        wait = timedelta(seconds=WAITS[min(row.failures, len(WAITS) - 1)])
        since = row.failing_since or now
        changes |= {"failures": row.failures + 1, "failing_since": since, "next_try_at": now + wait}
    # Past its history, which is about what people changed.
    Subscription.objects.filter(pk=row.pk).update(**changes)
    if failure == _GONE or (failure and now - changes["failing_since"] >= GIVES_UP_AFTER):
        _switch_off(row, failure, now)


def _switch_off(row: Subscription, failure: str, now: datetime) -> None:
    if not row.is_active:
        return  # somebody was quicker
    row.is_active = False
    row.save(update_fields=["is_active", "updated_at"])
    open_case(
        Problem(
            code="exceptions.webhook_off",
            detail=f"{row.name}: {failure}",
            context={"subscription": row.name, "subscription_id": row.pk},
            subject={"subscription_id": row.pk},
            team=row.team,
        ),
        now=now,
    )
