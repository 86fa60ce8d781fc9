"""May I have these until I have decided? Requests that arrive together are settled together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from inventory.errors import ReservationConflict
from inventory.models import Location
from inventory.selectors import Spot, nodes_of_channels
from inventory.services.answers import (
    Answer,
    Name,
    fingerprint_of,
    keeping,
    key_name,
    read,
    reading,
    reference_name,
)
from inventory.services.reserve import (
    Chooser,
    Held,
    PromiseRequest,
    Wanted,
    grant,
    locked,
    locking,
)
from retailhub.kernel.combine import Combiner
from retailhub.kernel.rows import Statement, run_together


@dataclass(frozen=True, kw_only=True)
class HoldLine:
    """Units of one item, from `location_ids` if there are any, else from wherever they are."""

    item_id: int
    quantity: int
    location_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What `owner` wants kept under `reference`: each item once, for `seconds` or until it says so.

    With a channel, only from the nodes that channel sells from. `key` is the caller's idempotency
    key, if it has one besides the reference.
    """

    owner: str
    reference: str
    lines: tuple[HoldLine, ...]
    is_all_or_nothing: bool = True
    channel_id: int | None = None
    seconds: int | None = None
    key: str = ""
    trace_id: UUID | None = None

    @property
    def promise_reference(self) -> str:
        """What its promises are made to."""
        return held_reference(self.owner, self.reference)

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """What asks for it again."""
        return (*key_name(self.owner, self.key), reference_name(self.owner, self.reference))

    @cached_property
    def fingerprint(self) -> str:
        """Tells it from another one of the same name."""
        return fingerprint_of(
            self.reference, self.lines, self.is_all_or_nothing, self.channel_id, self.seconds
        )


@dataclass(frozen=True)
class Granted:
    """What became of one line. `available` is what it could have had, in units."""

    item_id: int
    quantity: int
    available: int
    parts: tuple[tuple[int, int], ...]  # (location id, units)

    @property
    def granted(self) -> int:
        """Units that are held."""
        return sum(units for _, units in self.parts)


@dataclass(frozen=True)
class HoldAnswer:
    """What was answered first. Nothing is held when it was refused."""

    expires_at: datetime | None
    lines: tuple[Granted, ...]

    @property
    def is_refused(self) -> bool:
        """Whether nothing is held."""
        return not any(line.parts for line in self.lines)


def held_reference(owner: str, reference: str) -> str:
    """What the promises of an owner's hold are made to. No order's line is called like that."""
    return f"{owner}/{reference}"


def hold_stock(hold: Hold, *, now: datetime) -> HoldAnswer:
    """Hold what can be held, until it expires, is committed, released or moved.

    Asking again with the same reference or key gives the first answer, a refusal by key included.
    Raises `ReservationConflict` when either came with another request before.
    """
    if connection.in_atomic_block:  # it belongs to this transaction and no other
        (answer,) = settle_holds([(hold, now)])
        if isinstance(answer, Exception):
            raise answer
        return answer
    return _combiner.ask((hold, now))


def settle_holds(
    asked: Sequence[tuple[Hold, datetime]],
) -> list[HoldAnswer | ReservationConflict]:
    """Answer these in their order, in one transaction."""
    try:
        return _settle(asked)
    except IntegrityError:  # one was asked elsewhere at the same moment: by now it has an answer
        if len(asked) > 1:
            raise
        return _settle(asked)


_combiner: Combiner[tuple[Hold, datetime], HoldAnswer] = Combiner(settle_holds)


@transaction.atomic
def _settle(asked: Sequence[tuple[Hold, datetime]]) -> list[HoldAnswer | ReservationConflict]:
    # Looked for under the locks: whoever asked the same wanted the same levels.
    level_rows, answer_rows = run_together(
        locking({line.item_id for hold, _ in asked for line in hold.lines}),
        reading({name for hold, _ in asked for name in hold.names}),
    )
    levels, known = locked(level_rows), read(answer_rows)
    nodes = _nodes(levels, asked)
    answers: dict[int, HoldAnswer | ReservationConflict] = {}
    writes: list[Statement] = []
    fresh: list[Answer] = []
    waiting: Sequence[int] = range(len(asked))
    while waiting:
        turn, waiting = _split(waiting, asked, known, answers)
        decided: dict[str, list[Granted]] = {}
        requests = [_request(str(n), *asked[n]) for n in turn]
        choose = _chooser([hold for hold, _ in asked], nodes, decided)
        now = max(now for _, now in asked)
        writes += grant(requests, levels, choose=choose, now=now)[1]
        for n, request in zip(turn, requests, strict=True):
            told = HoldAnswer(request.expires_at, tuple(decided[request.key]))
            answers[n] = told
            fresh.append(_record(asked[n][0], told))
            known |= dict.fromkeys(fresh[-1].names, fresh[-1])
    run_together(*writes, keeping(fresh))
    return [answers[n] for n in range(len(asked))]


def _split(
    waiting: Sequence[int],
    asked: Sequence[tuple[Hold, datetime]],
    known: Mapping[Name, Answer],
    answers: dict[int, HoldAnswer | ReservationConflict],
) -> tuple[list[int], list[int]]:
    """Answer what was answered before; whose turn it is now, and who waits for one of those."""
    turn, later = [], []
    taken: set[Name] = set()
    for n in waiting:
        hold = asked[n][0]
        before = [known[name] for name in hold.names if name in known]
        if before:
            try:
                # What its key was answered counts before what its reference was.
                first, *_ = [answer.to(hold.fingerprint) for answer in before]
                answers[n] = _read(first)
            except ReservationConflict as conflict:
                answers[n] = conflict
        elif taken.isdisjoint(hold.names):
            turn.append(n)
            taken.update(hold.names)
        else:
            later.append(n)
    return turn, later


def _request(key: str, hold: Hold, now: datetime) -> PromiseRequest:
    wanted = tuple(
        Wanted(reference=hold.promise_reference, item_id=line.item_id, quantity=line.quantity)
        for line in hold.lines
    )
    expires_at = None if hold.seconds is None else now + timedelta(seconds=hold.seconds)
    return PromiseRequest(key=key, wanted=wanted, trace_id=hold.trace_id, expires_at=expires_at)


def _record(hold: Hold, told: HoldAnswer) -> Answer:
    # A refused reference holds nothing: with another key it may try again.
    names = hold.names[:1] if told.is_refused else hold.names
    lines = [(ln.item_id, ln.quantity, ln.available, ln.parts) for ln in told.lines]
    expires_at = told.expires_at and told.expires_at.isoformat()
    return Answer(
        names=names, fingerprint=hold.fingerprint, told={"expires_at": expires_at, "lines": lines}
    )


def _read(told: Mapping[str, Any]) -> HoldAnswer:
    expires_at = told["expires_at"]
    return HoldAnswer(
        expires_at and datetime.fromisoformat(expires_at),
        tuple(
            Granted(item_id, quantity, available, tuple((place, units) for place, units in parts))
            for item_id, quantity, available, parts in told["lines"]
        ),
    )


Nodes = Callable[[Hold, HoldLine], list[int]]


def _nodes(levels: Mapping[Spot, object], asked: Sequence[tuple[Hold, datetime]]) -> Nodes:
    """The nodes a line may be taken from, the one that ships first in front."""
    found = {location_id for _, location_id in levels}
    ranked = list(found)
    if len(found) > 1:
        rows = Location.objects.filter(pk__in=found).order_by("priority", "code")
        ranked = list(rows.values_list("pk", flat=True))
    channels = {hold.channel_id for hold, _ in asked if hold.channel_id is not None}
    served = nodes_of_channels(channels) if channels else {}
    return partial(_allowed, ranked, served)


def _allowed(
    ranked: Sequence[int],
    served: Mapping[int, frozenset[int] | None],
    hold: Hold,
    line: HoldLine,
) -> list[int]:
    of_channel = None if hold.channel_id is None else served[hold.channel_id]
    return [
        node
        for node in ranked
        if (of_channel is None or node in of_channel)
        and (not line.location_ids or node in line.location_ids)
    ]


def _chooser(holds: Sequence[Hold], nodes: Nodes, decided: dict[str, list[Granted]]) -> Chooser:
    def choose(request: PromiseRequest, room: Mapping[Spot, int]) -> Sequence[Held] | None:
        hold = holds[int(request.key)]
        lines = [_decide(line, nodes(hold, line), room) for line in hold.lines]
        if hold.is_all_or_nothing and any(line.granted < line.quantity for line in lines):
            lines = [Granted(ln.item_id, ln.quantity, ln.available, ()) for ln in lines]
        decided[request.key] = lines
        return [
            Held(wanted=wanted, location_id=location_id, quantity=units)
            for wanted, line in zip(request.wanted, lines, strict=True)
            for location_id, units in line.parts
        ]

    return choose


def _decide(line: HoldLine, nodes: Sequence[int], room: Mapping[Spot, int]) -> Granted:
    """From the first node that has it all, else from one after the other."""
    there = {n: units for n in nodes if (units := room.get((line.item_id, n), 0)) > 0}
    whole = next((n for n, units in there.items() if units >= line.quantity), None)
    parts: list[tuple[int, int]] = []
    left = line.quantity
    for node in there if whole is None else [whole]:
        if left:
            parts.append((node, min(left, there[node])))
            left -= parts[-1][1]
    return Granted(line.item_id, line.quantity, sum(there.values()), tuple(parts))
