"""E-mails -> the mail server, one at a time, no transaction on the network.

A crash between the server's word and ours sends it again under the same Message-ID, which mail
programs show once. A server that is down is tried again, later each time, for a day.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from retailhub.models import Mail

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
WAITS = (60, 300, 900, 3600)
GIVES_UP_AFTER = timedelta(hours=24)


def send_mail() -> int:
    """Send one that is due, for workers that look. Returns how many were sent."""
    return send_due_mail(now=timezone.now())


def send_due_mail(*, now: datetime) -> int:
    """Send the one that is due longest. Returns 1 when the server took it."""
    mail = _claim(now)
    if mail is None:
        return 0
    error = _send(mail)
    _settle(mail, error, now)
    return int(error is None)


@transaction.atomic(durable=True)
def _claim(now: datetime) -> Mail | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    due = Mail.objects.filter(free, state=Mail.State.READY, next_try_at__lte=now)
    locked = due.select_for_update(of=("self",), skip_locked=True).select_related("person")
    mail = locked.order_by("next_try_at", "pk").first()
    if mail is not None:
        Mail.objects.filter(pk=mail.pk).update(lease_until=now + LEASE)
    return mail


def _send(mail: Mail) -> Exception | None:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    message = EmailMessage(
        subject=mail.subject,
        body=mail.body,
        to=[mail.person.email],
        headers={"Message-ID": f"<mail-{mail.pk}@{domain}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        # The server's words may hold the address: only what kind it was is kept.
        log.warning("e-mail %d was not taken (%s)", mail.pk, type(error).__name__)
        return error
    return None


@transaction.atomic(durable=True)
def _settle(mail: Mail, error: Exception | None, now: datetime) -> None:
    rows = Mail.objects.filter(pk=mail.pk)
    if error is None:
        rows.update(
            state=Mail.State.SENT,
            sent_at=now,
            attempts=F("attempts") + 1,
            lease_until=None,
            error="",
        )
        return
    is_over = now - mail.created_at >= GIVES_UP_AFTER
    rows.update(
        state=Mail.State.GIVEN_UP if is_over else Mail.State.READY,
        attempts=F("attempts") + 1,
        lease_until=None,
        error=type(error).__name__,
    )
    later = now + timedelta(seconds=WAITS[min(mail.attempts, len(WAITS) - 1)])
    # A server that is down is down for all of them; an address that is refused only for its own.
    waiting = rows if isinstance(error, SMTPRecipientsRefused) else Mail.objects.all()
    waiting.filter(state=Mail.State.READY, next_try_at__lt=later).update(next_try_at=later)
