"""What a rehearsal begins with: tables, connections in compressed time, stock."""

from __future__ import annotations

from django.core.management import call_command
from django.utils import timezone

from connectors.models import Connection
from retailhub.demo import seed_demo
from retailhub.rehearsal.plan import SETTLE_SECONDS, TIMEOUT_SECONDS


def prepare() -> None:
    """Migrate, seed the estate and shorten every connection's waits. For a `manage.py shell`."""
    call_command("migrate", interactive=False, verbosity=0)
    seed_demo(now=timezone.now(), with_people=False)
    Connection.objects.update(
        timeout_seconds=TIMEOUT_SECONDS,
        settle_seconds=SETTLE_SECONDS,
        rate_per_second=200,
        burst=200,
        concurrency=8,
        # What a lost webhook would have brought must not come by another way.
        poll_seconds=0,
    )
