"""What the checks look at: ledgers written by others and rows of the database, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from retailhub.sandbox.ledger import LedgerLine


@dataclass(frozen=True, kw_only=True)
class Acked:
    """A delivery that a sender was told is safe."""

    webhook_id: str
    topic: str
    order_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """An inbox row. `webhook_id` is the sender's, from the headers that were kept."""

    id: int
    webhook_id: str
    topic: str
    state: str
    trace_id: str = ""
    has_case: bool = False
    is_overdue: bool = False  # parked, and its deadline has passed
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """An outbox row; `key` is the name under which the other system's ledger has the effect."""

    id: int
    system: str
    kind: str
    key: str
    lane: str
    order_id: int | None
    state: str
    trace_id: str = ""
    has_case: bool = False
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order row."""

    id: int
    external_id: str
    reference: str
    state: str
    total: Decimal
    held_for: str = ""
    has_case: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of an order's timeline that moved its state."""

    order_id: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money given back, as we recorded it."""

    external_id: str
    amount: Decimal
    order_id: int


@dataclass(frozen=True, kw_only=True)
class Level:
    """A stock level, and how much of it the held promises say is promised."""

    id: int
    place: str  # BERLIN/MUG-BLUE
    on_hand: int
    reserved: int
    held: int


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One change of a level, in the order in which it was written."""

    level_id: int
    kind: str
    on_hand_change: int
    reserved_change: int
    on_hand_after: int
    reserved_after: int


@dataclass(frozen=True, kw_only=True)
class CaseStep:
    """A line of a case's activity: the state it says the case had, and has."""

    case_id: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at an effect."""

    message_id: int
    outcome: str


@dataclass(frozen=True, kw_only=True)
class ErpOrder:
    """A sales order as the ERP has it in the end."""

    reference: str
    total: Decimal
    is_closed: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All of it. Every part is a sequence, so that a test can hand in three rows."""

    acked: Sequence[Acked] = ()
    placed: Mapping[str, Decimal] = field(default_factory=dict)  # shop's order id -> total
    cancelled: frozenset[str] = frozenset()  # shop's order ids
    inbound: Sequence[Inbound] = ()
    outbound: Sequence[Outbound] = ()
    attempts: Sequence[Attempt] = ()
    orders: Sequence[Order] = ()
    steps: Sequence[Step] = ()
    refunds: Sequence[Refund] = ()
    levels: Sequence[Level] = ()
    movements: Sequence[Movement] = ()
    case_states: Mapping[int, str] = field(default_factory=dict)
    case_steps: Sequence[CaseStep] = ()
    shop: Sequence[LedgerLine] = ()
    erp: Sequence[LedgerLine] = ()
    wms: Sequence[LedgerLine] = ()
    erp_orders: Sequence[ErpOrder] = ()
    wms_stock: Mapping[str, int] = field(default_factory=dict)  # BERLIN/MUG-BLUE -> on hand
    guards: frozenset[str] = frozenset()  # tables whose states the database itself guards
    refusals: Sequence[str] = ()  # what the guard had to refuse, from the database's log
    held: Mapping[str, int] = field(default_factory=dict)  # what somebody still holds: count

    def troubled_orders(self) -> set[int]:
        """Orders that customers called off: their effects may rightly end with a person."""
        return {order.id for order in self.orders if order.external_id in self.cancelled}
