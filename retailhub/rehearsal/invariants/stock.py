"""I5: every unit is somewhere, and none is promised twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from retailhub.rehearsal.evidence import Evidence, Level, Movement


def conserved(evidence: Evidence) -> Iterator[str]:
    """Movements give the levels, promises what is reserved, and the shelf has what we say."""
    journal: dict[int, list[Movement]] = defaultdict(list)
    for movement in evidence.movements:
        journal[movement.level_id].append(movement)
    for level in evidence.levels:
        yield from _replayed(level, journal[level.id])
        if level.reserved != level.held:
            yield f"{level.place}: {level.reserved} reserved, promises hold {level.held}"
        shelf = evidence.wms_stock.get(level.place)
        if shelf is not None and shelf != level.on_hand:
            yield f"{level.place}: {level.on_hand} on hand, {shelf} on the shelf"


def _replayed(level: Level, movements: list[Movement]) -> Iterator[str]:
    on_hand = reserved = 0
    for movement in movements:
        on_hand += movement.on_hand_change
        reserved += movement.reserved_change
        after = (movement.on_hand_after, movement.reserved_after)
        if after != (on_hand, reserved):
            yield f"{level.place}: a {movement.kind} says {after}, the sum is {(on_hand, reserved)}"
            on_hand, reserved = after
        if movement.kind == "RESERVED" and reserved > on_hand:
            yield f"{level.place}: {reserved} promised of {on_hand}"
    if (on_hand, reserved) != (level.on_hand, level.reserved):
        stands = (level.on_hand, level.reserved)
        yield f"{level.place}: the level says {stands}, its movements {(on_hand, reserved)}"
