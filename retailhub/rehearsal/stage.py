"""What a rehearsal begins with: tables, connections in compressed time, stock.

Channels are not told their stock: numbers where the newest wins are tried again for minutes, and
never come to rest in a storm.
"""

from __future__ import annotations

from django.core.management import call_command
from django.utils import timezone

from connectors.models import Connection
from inventory.models import Channel
from inventory.telling import Mode
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
    Channel.objects.update(publish_mode=Mode.OFF)
