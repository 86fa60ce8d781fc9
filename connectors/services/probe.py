"""Does this connection work? Read-only checks, with what was seen, or the reason it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectors.models import Connection
from connectors.registry import sink_at
from connectors.services import breaker
from connectors.services.clients import new_client
from connectors.services.credentials import account_of
from retailhub.kernel.errors import HubError


@dataclass(frozen=True)
class Check:
    """One line of a test: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    seen: str


def check_connection(
    connection: Connection, *, now: datetime, secrets: dict[str, str] | None = None
) -> list[Check]:
    """Run the checks with the values in hand: `connection` and `secrets` may be unsaved.

    Touches no row. A connection that only receives has nothing to call and says so.
    """
    sink = sink_at(connection.system, connection.base_url)
    if sink is None:
        return [
            Check(
                "Receives only",
                True,
                "Nothing is sent to this system, so there is nothing to call.",
            )
        ]
    client = new_client(connection)
    try:
        account = account_of(connection, now=now, overrides=secrets)
        return [Check(name, True, seen) for name, seen in sink.probe(client, account)]
    except HubError as error:
        answer = error.context.get("answer") or ""
        return [Check("Answer", False, f"{error} {answer}"[:500].strip())]
    except Exception as error:  # a hostile or broken server must not break the page
        return [Check("Answer", False, f"Could not be tested: {type(error).__name__}.")]
    finally:
        client.close()


def test_connection(*, connection_id: int, now: datetime) -> list[Check]:
    """Check the saved connection and keep the result on it. A pass closes an open breaker."""
    connection = Connection.objects.get(pk=connection_id)
    checks = check_connection(connection, now=now)
    passed = all(check.passed for check in checks)
    Connection.objects.filter(pk=connection_id).update(
        tested_at=now,
        test_result={
            "passed": passed,
            "checks": [[check.name, check.passed, check.seen] for check in checks],
        },
    )
    if passed:
        breaker.note_success(connection, now=now)
    return checks


def probe_open_breakers(*, now: datetime) -> int:
    """One read per open breaker whose time has come: it closes or stays open. Returns how many."""
    due = Connection.objects.filter(closed_until__lte=now, is_active=True).order_by("pk")
    for connection in due:
        checks = check_connection(connection, now=now)
        if all(check.passed for check in checks):
            breaker.note_success(connection, now=now)
        else:
            breaker.extend(connection, checks[-1].seen, now=now)
    return len(due)
