"""What happened, and who is told: a bus of facts inside one transaction.

`publish()` runs the subscribers now, in the publisher's transaction, so a case or an outbox row
commits with the fact or not at all. The table of subscribers is `retailhub/wiring.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Subscriber = Callable[[Any], None]

_table: dict[type[Event], tuple[Subscriber, ...]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact in the past tense. Carries ids, never rows."""


class UnwiredEvent(LookupError):
    """A fact that the wiring table does not know: a reaction would be lost silently."""


def wire(table: Mapping[type[Event], Iterable[Subscriber]]) -> None:
    """Replace the table of subscribers. Called once, when Django is ready."""
    _table.clear()
    _table.update({fact: tuple(subscribers) for fact, subscribers in table.items()})


def publish(fact: Event) -> None:
    """Tell every subscriber, in the table's order, before the publisher's transaction ends.

    Raises `UnwiredEvent` for a fact that is missing from the table.
    """
    try:
        subscribers = _table[type(fact)]
    except KeyError:
        raise UnwiredEvent(f"{type(fact).__name__} has no row in retailhub/wiring.py") from None
    for subscriber in subscribers:
        subscriber(fact)
