"""What time is it, in the spelling each vendor uses."""

from datetime import UTC, datetime, timedelta, timezone

# A fixed offset needs no zone database, and daylight saving is not what is tested here.
SHOP_ZONE = timezone(timedelta(hours=1))


def now() -> datetime:
    return datetime.now(UTC)


def ledger_stamp(moment: datetime | None = None) -> str:
    """2026-11-20T12:00:00.123456Z"""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wire_stamp(moment: datetime | None = None) -> str:
    """2026-11-20T12:00:00.123Z"""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def shop_stamp(moment: datetime | None = None) -> str:
    """2026-11-20T13:00:00+01:00: whole seconds in the shop's zone, as in REST bodies."""
    return (moment or now()).astimezone(SHOP_ZONE).isoformat(timespec="seconds")


def parse_stamp(text: str) -> datetime:
    """Read any ISO time; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
