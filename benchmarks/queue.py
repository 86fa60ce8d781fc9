"""How fast is the queue with a hundred thousand open cases, and how much of it is bare SQL?

python -m retailhub.local exec --ephemeral -- python -m benchmarks.queue
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.utils import timezone  # noqa: E402

from connectors.models import Connection  # noqa: E402
from exceptions.models import Cause, ExceptionCase, Team  # noqa: E402
from exceptions.services.weigh import weigh  # noqa: E402
from retailhub.kernel.rows import insert_rows  # noqa: E402

CASES = int(os.environ.get("CASES", "100000"))
ROUNDS = 40
BARE = """
SELECT c.*, n.name, u.first_name, a.title FROM exceptions_exceptioncase c
JOIN exceptions_cause a ON a.id = c.cause_id
LEFT JOIN connectors_connection n ON n.id = c.connection_id
LEFT JOIN auth_user u ON u.id = c.owner_id
WHERE c.state IN ('NEW', 'CLAIMED', 'REPLAYING')
ORDER BY c.is_late DESC, c.harm DESC, c.id LIMIT 61
"""


def seed() -> tuple[User, User]:
    """An admin, an agent of one of four teams, and the cases."""
    now = timezone.now()
    admin = User.objects.create_superuser("mia", password=None)
    agent = User.objects.create(username="ana")
    teams = [Team.objects.create(slug=f"t{n}", name=f"Team {n}") for n in range(4)]
    teams[0].members.add(agent)
    causes: list[Cause] = []
    shops: list[Connection] = []
    for n in range(200):
        seen = {"first_seen_at": now, "last_seen_at": now}
        causes.append(Cause.objects.create(fingerprint=f"f{n}", code=f"x.{n}", title="X", **seen))
        facts = {"slug": f"s{n}", "name": f"Shop {n}", "system": "custom", "role": "SHOP"}
        shops.append(Connection.objects.create(**facts) if n < 20 else shops[n % 20])
    teams[0].connections.set(shops[:5])
    for first in range(0, CASES, 10_000):
        rows = [_case(n, causes, shops, teams) for n in range(first, min(first + 10_000, CASES))]
        insert_rows(rows, needs_ids=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return admin, agent


def _case(n: int, causes: list[Cause], shops: list[Connection], teams: list[Team]) -> ExceptionCase:
    now = timezone.now()
    case = ExceptionCase(
        cause=causes[n * 7 % 200], code="x.y", title=f"Something is stuck {n}", severity=1 + n % 4,
        connection=shops[n * 3 % 200], order_number=f"#{n}", value=Decimal(n * 37 % 5_000),
        currency="EUR", state="NEW" if n % 3 else "CLAIMED", team=teams[n % 4], opened_at=now,
        due_at=now + timedelta(minutes=n * 13 % 3_000 - 100), minutes=120,
    )  # fmt: skip
    weigh(case, now=now)
    return case


def measure(name: str, act: Callable[[], object]) -> float:
    """Median and 95th percentile, in milliseconds, after a warm-up."""
    act()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    sys.stdout.write(f"{name:<44} median {statistics.median(times):7.1f} ms  p95 {p95:7.1f} ms\n")
    return statistics.median(times)


def bare() -> None:
    """The same first page, straight from the database."""
    with connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.fetchall()


def main() -> None:
    """Seed, then measure each page as an admin and as an agent."""
    setup_test_environment()
    call_command("migrate", verbosity=0)
    admin, agent = seed()
    sys.stdout.write(f"{CASES} open cases\n")
    measure("bare SQL of the first page", bare)
    for who in (admin, agent):
        client = Client()
        client.force_login(who)
        for address in ("/queue/", "/queue/?view=breaching", "/queue/?group=cause"):
            measure(f"{who.username} {address}", partial(look, client, address))


def look(client: Client, address: str) -> None:
    """Read one page; anything but a page is no measurement."""
    status = client.get(address).status_code
    if status != 200:
        raise SystemExit(f"{address} answered {status}")


if __name__ == "__main__":
    main()
