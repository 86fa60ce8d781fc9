"""A row of the rule table as a sentence, and which rows count for an item and which do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from inventory.availability import Knob, Place, Rule, RuleBook
from inventory.models import AvailabilityRule

_SENTENCES = {
    Knob.SAFETY_STOCK: "Keep {value} back at each node",
    Knob.HORIZON: "Count what arrives within {value} h",
    Knob.BUFFER: "Keep {value} back from the channel",
    Knob.SHARE: "Show the channel {value} % of it",
    Knob.END_WHEN: "Show 0 at {value} or fewer",
    Knob.MAX_LISTED: "Show at most {value}",
}
NODE_KNOBS = (Knob.SAFETY_STOCK, Knob.HORIZON)


def sentence_of(knob: str, value: int) -> str:
    """What the rule does."""
    return _SENTENCES[Knob(knob)].format(value=value)


def words_of(row: AvailabilityRule) -> dict[str, str]:
    """The rule in words: what, where and why."""
    return {
        "id": str(row.pk),
        "knob": Knob(row.knob).label,
        "does": sentence_of(row.knob, row.value),
        "scope": row.scope[0].upper() + row.scope[1:],
        "note": row.note,
    }


def words_by_id(ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """The same for many, in one query."""
    rows = AvailabilityRule.objects.filter(pk__in=set(ids))
    return {row.pk: words_of(row) for row in rows.select_related("item", "channel", "location")}


def contests(
    book: RuleBook, place: Place, nodes: Mapping[int, str]
) -> list[tuple[Knob, str, Rule, Sequence[Rule]]]:
    """Which rule counts for each knob, where, and which rules it overrules. Nodes by id."""
    found: list[tuple[Knob, str, Rule, Sequence[Rule]]] = []
    for knob in Knob:
        if knob in NODE_KNOBS:
            places = [
                (name, Place(place.item_id, place.category, place.channel_id, location_id))
                for location_id, name in nodes.items()
            ]
        else:
            places = [("", place)] if place.channel_id is not None else []
        for name, where in places:
            winner = book.winner(knob, where)
            if winner is not None:
                found.append((knob, name, winner, book.losers(knob, where)))
    return found


def contest_rows(
    found: Sequence[tuple[Knob, str, Rule, Sequence[Rule]]],
    words: Mapping[int, Mapping[str, str]],
) -> list[dict[str, Any]]:
    """The same for a page; nodes with the same outcome share a row."""
    grouped: dict[tuple[Knob, int, tuple[int, ...]], list[str]] = {}
    for knob, name, winner, losers in found:
        grouped.setdefault((knob, winner.id, tuple(r.id for r in losers)), []).append(name)
    return [
        {
            "knob": knob.label,
            "where": ", ".join(filter(None, names)),
            "winner": words.get(winner),
            "losers": [words[pk] for pk in losers if pk in words],
        }
        for (knob, winner, losers), names in grouped.items()
    ]
