"""A hundred thousand open cases of twenty shops and four teams, for whoever measures the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from exceptions.models import Cause, ExceptionCase, Team
from exceptions.services.weigh import weigh
from retailhub.kernel.rows import insert_rows

CASES, CAUSES, SHOPS, TEAMS = 100_000, 200, 20, 4


def fill() -> tuple[User, User]:
    """An admin, an agent of one of four teams, and the cases."""
    now = timezone.now()
    admin = User.objects.create_superuser("admin", password=None)
    agent = User.objects.create(username="agent")
    teams = [Team.objects.create(slug=f"t{n}", name=f"Team {n}") for n in range(TEAMS)]
    teams[0].members.add(agent)
    seen = {"first_seen_at": now, "last_seen_at": now, "title": "Something is stuck"}
    causes = [Cause(fingerprint=f"f{n}", code=f"x.{n}", **seen) for n in range(CAUSES)]
    facts = {"system": "custom", "role": "SHOP"}
    shops = [Connection(slug=f"s{n}", name=f"Shop {n}", **facts) for n in range(SHOPS)]
    insert_rows(causes)
    insert_rows(shops)
    teams[0].connections.set(shops[:5])
    cases = (_case(n, causes, shops, teams, now) for n in range(CASES))
    while batch := list(islice(cases, 10_000)):
        insert_rows(batch, needs_ids=False)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) exceptions_exceptioncase")
        cursor.execute("ANALYZE")
    return admin, agent


def _case(
    n: int, causes: list[Cause], shops: list[Connection], teams: list[Team], now: datetime
) -> ExceptionCase:
    case = ExceptionCase(
        cause=causes[n * 7 % CAUSES], code="x.y", title=f"Something is stuck {n}",
        severity=1 + n % 4, connection=shops[n * 3 % SHOPS], order_number=f"#{n}",
        value=Decimal(n * 37 % 5_000), currency="EUR", state="NEW" if n % 3 else "CLAIMED",
        team=teams[n % TEAMS], opened_at=now, minutes=120,
        due_at=now + timedelta(minutes=n * 13 % 3_000 - 100),
    )  # fmt: skip
    weigh(case, now=now)
    return case


def signed_in(who: User) -> Client:
    """A browser of this person."""
    client = Client()
    client.force_login(who)
    return client
