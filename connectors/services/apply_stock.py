"""What sources told of stock -> movements: all of a batch in a few set-based calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.lifecycle import InboundState
from connectors.models import Connection, InboundMessage
from connectors.services.authority import StockAuthority
from connectors.services.codes import Codes, resolve_location, resolve_skus
from inventory.canonical import (
    CanonicalInTransit,
    CanonicalStock,
    CanonicalStockCount,
    CanonicalStockMovement,
    MovementKind,
)
from inventory.models import StockMovement
from inventory.selectors import unit_books
from inventory.services.announce import Announcement, announce_arrivals
from inventory.services.move import Move, move_stock
from inventory.services.receive import Receipt, receive_stock
from inventory.services.transfer import Transfer, send_on
from inventory.units import UnitBook
from retailhub.kernel.errors import HubError

Kind = StockMovement.Kind
Spot = tuple[int, int]  # (item id, location id)

# A transfer whose sender says no time of arrival.
USUAL_TRANSFER = timedelta(days=2)

_LESS = frozenset({MovementKind.SOLD})
_COMES = frozenset({MovementKind.RECEIVED, MovementKind.ARRIVED})


@dataclass(frozen=True)
class _Told:
    """One fact in our words."""

    message: InboundMessage
    fact: CanonicalStock
    item_id: int
    location_id: int
    to_id: int
    units: int


@dataclass
class StockEnds:
    """How the messages that spoke of stock end: the first error of each, and what was refused."""

    errors: dict[int, HubError] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    applied: set[int] = field(default_factory=set)

    def state(self, message_id: int) -> InboundState:
        """Ignored when nothing of it was ours to apply."""
        return InboundState.PROCESSED if message_id in self.applied else InboundState.IGNORED


class StockRunner:
    """Reads all facts of a batch, then applies them together."""

    def __init__(self, now: datetime, codes_of: Callable[[Connection], Codes]) -> None:
        self._now, self._codes_of = now, codes_of
        self._facts: list[tuple[InboundMessage, CanonicalStock]] = []
        self._told: list[_Told] = []
        self.ends = StockEnds()

    def add(self, message: InboundMessage, fact: CanonicalStock) -> None:
        """Take one fact."""
        self._facts.append((message, fact))

    def resolve(self) -> set[Spot]:
        """Read the facts in our words; answers the levels they touch.

        What can't be read ends its message, not the batch, and not the message's other facts.
        """
        if not self._facts:
            return set()
        authority = StockAuthority()
        for connection in {message.connection for message, _ in self._facts}:
            facts = [fact for message, fact in self._facts if message.connection == connection]
            codes = self._codes_of(connection)
            codes.read_items({fact.sku for fact in facts})
            codes.read_locations({fact.location for fact in facts})
        placed = [p for m, f in self._facts if (p := self._place(m, f, authority)) is not None]
        books = unit_books({told.item_id for told in placed})
        self._told = [t for told in placed if (t := self._in_units(told, books)) is not None]
        return {(told.item_id, told.location_id) for told in self._told}

    def _place(
        self, message: InboundMessage, fact: CanonicalStock, authority: StockAuthority
    ) -> _Told | None:
        codes = self._codes_of(message.connection)
        try:
            item_id = resolve_skus(codes, [fact.sku])[fact.sku]
            location_id = resolve_location(codes, fact.location)
            to_code = getattr(fact, "to_location", "")
            to_id = resolve_location(codes, to_code) if to_code else location_id
            why_not = authority.why_not(message.connection, location_id)
        except HubError as error:
            self.ends.errors.setdefault(message.pk, error)
            return None
        if why_not:
            self.ends.notes.setdefault(message.pk, why_not)
            return None
        return _Told(message, fact, item_id, location_id, to_id, 0)

    def _in_units(self, told: _Told, books: Mapping[int, UnitBook]) -> _Told | None:
        fact = told.fact
        try:
            book, unit = books[told.item_id], ""
            if fact.unit:
                unit = self._codes_of(told.message.connection).unit(fact.unit, book)
            return replace(told, units=book.own_units(fact.quantity, unit))
        except HubError as error:
            self.ends.errors.setdefault(told.message.pk, error)
            return None

    def apply(self) -> StockEnds:
        """Write everything, in statements that do not grow with it."""
        moves: list[Move] = []
        receipts: list[Receipt] = []
        transfers: list[Transfer] = []
        announced: list[Announcement] = []
        for told in self._told:
            self.ends.applied.add(told.message.pk)
            match told.fact:
                case CanonicalInTransit():
                    announced.append(self._announcement(told, told.fact))
                case CanonicalStockCount():
                    moves.append(self._counted(told, told.fact))
                case CanonicalStockMovement(kind=MovementKind.SENT_ON):
                    transfers.append(self._transfer(told, told.fact))
                case CanonicalStockMovement(kind=kind) if kind in _COMES:
                    move = self._move(told, told.fact)
                    receipts.append(Receipt(move=move, reference=told.fact.reference))
                case CanonicalStockMovement():
                    moves.append(self._move(told, told.fact))
        move_stock(moves)
        receive_stock(receipts)
        send_on(transfers)
        announce_arrivals(announced)
        return self.ends

    def _counted(self, told: _Told, count: CanonicalStockCount) -> Move:
        return replace(
            self._bare(
                told, Kind.COUNTED, f"count:{told.message.connection_id}:{count.source_key}"
            ),
            counted=told.units,
            # A clock that runs ahead must not freeze the shelf: no count is later than its news.
            happened_at=min(count.counted_at, self._now),
        )

    def _move(self, told: _Told, fact: CanonicalStockMovement) -> Move:
        move = replace(
            self._bare(told, _KINDS[fact.kind], self._key(told, fact)),
            happened_at=min(fact.happened_at, self._now),
            reason=fact.reason or fact.reference,
        )
        if fact.kind is MovementKind.SET_ASIDE:
            return replace(move, set_aside=told.units)
        return replace(move, on_hand=-told.units if fact.kind in _LESS else told.units)

    def _transfer(self, told: _Told, fact: CanonicalStockMovement) -> Transfer:
        sent_at = min(fact.happened_at, self._now)
        return Transfer(
            reference=fact.reference,
            item_id=told.item_id,
            from_id=told.location_id,
            to_id=told.to_id,
            quantity=told.units,
            sent_at=sent_at,
            expected_at=fact.expected_at or sent_at + USUAL_TRANSFER,
            effect_key=self._key(told, fact),
            source=told.message.connection.slug,
            trace_id=told.message.trace_id,
        )

    def _announcement(self, told: _Told, fact: CanonicalInTransit) -> Announcement:
        return Announcement(
            reference=fact.reference,
            item_id=told.item_id,
            location_id=told.location_id,
            quantity=told.units,
            expected_at=fact.expected_at,
            source=told.message.connection.slug,
        )

    def _key(self, told: _Told, fact: CanonicalStockMovement) -> str:
        return f"move:{told.message.connection_id}:{fact.source_key}"

    def _bare(self, told: _Told, kind: StockMovement.Kind, effect_key: str) -> Move:
        return Move(
            kind=kind,
            item_id=told.item_id,
            location_id=told.location_id,
            effect_key=effect_key,
            happened_at=self._now,
            source=told.message.connection.slug,
            trace_id=told.message.trace_id,
        )


_KINDS = {
    MovementKind.ADJUSTED: Kind.ADJUSTED,
    MovementKind.RECEIVED: Kind.RECEIVED,
    MovementKind.ARRIVED: Kind.ARRIVED,
    MovementKind.RETURNED: Kind.RETURNED,
    MovementKind.SOLD: Kind.SOLD,
    MovementKind.SET_ASIDE: Kind.ALLOCATED,
}
