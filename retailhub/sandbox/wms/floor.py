"""How work moves over the warehouse floor: received, picked, packed, shipped, delivered."""

import asyncio
import contextlib
import heapq
import random
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from retailhub.sandbox.catalogue import ITEM_BY_CODE
from retailhub.sandbox.clock import ledger_stamp, wire_stamp
from retailhub.sandbox.faults import SettingError, change_settings
from retailhub.sandbox.journal import Journal, Record
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.wms.events import Teller, plain_lines
from retailhub.sandbox.wms.stock import Stock

STEPS: Final = ("received", "picked", "packed", "shipped", "delivered")
CARRIERS: Final = (
    ("DHL", "https://www.dhl.de/de/privatkunden/dhl-sendungsverfolgung.html?piececode="),
    ("DPD", "https://tracking.dpd.de/parcelstatus?query="),
    ("GLS", "https://gls-group.com/track/"),
)
CONTROLLED: Final = frozenset({"short", "cancelled"})  # nothing follows these


@dataclass(frozen=True)
class ProgressSettings:
    """Seconds from one step to the next; a share is a probability."""

    received_s: float = 1.0
    picked_s: float = 15.0
    packed_s: float = 10.0
    shipped_s: float = 15.0
    delivered_s: float = 90.0
    jitter_share: float = 0.3
    short_share: float = 0.01
    partial_share: float = 0.03
    count_interval_s: float = 0.0
    delivery_interval_s: float = 0.0
    is_paused: bool = False


class Floor:
    """Moves every outbound order on when its time has come."""

    def __init__(
        self, journal: Journal, stock: Stock, teller: Teller, settings: ProgressSettings
    ) -> None:
        self.settings = settings
        self.journal, self.stock, self.teller = journal, stock, teller
        self._luck = random.Random(1)  # noqa: S311 - dice
        self._due: list[tuple[float, str]] = []
        self._wake = asyncio.Event()
        for order in journal.table("orders").values():
            self._plan(order)

    def change(self, values: dict[str, Any]) -> None:
        self.settings = change_settings(self.settings, values)
        self._wake.set()

    def report(self) -> dict[str, Any]:
        return {**asdict(self.settings), "open": len(self._due)}

    def begin(self, order: Record) -> None:
        """Take a new order on: hold its stock and plan its first step."""
        for line in order["lines"]:
            self.stock.allocate(order["warehouse"], line["sku"], line["quantity"])
        self._await_step(order, "received")

    def cancel(self, order: Record) -> None:
        for line in order["lines"]:
            self.stock.free(order["warehouse"], line["sku"], line["quantity"])
        order["_next"] = None
        self._set_status(order, "cancelled")
        self.teller.tell("order.cancelled", order, reason="requested")
        self.journal.put("orders", order["id"], order)

    def advance(self, order: Record, to: str | None = None) -> None:
        """Do the next step now, or all up to a status. Raises SettingError for a made-up one."""
        if to is not None and to not in STEPS:
            raise SettingError(f"to must be one of {', '.join(STEPS)}")
        while order["_next"]:
            done = order["_next"]
            self._step(order)
            if to is None or (done == to and order["status"] != "partially_shipped"):
                return

    async def run(self) -> None:
        while True:
            await self._rest()
            while self._due and self._due[0][0] <= time.time() and not self.settings.is_paused:
                due, order_id = heapq.heappop(self._due)
                order = self.journal.table("orders").get(order_id)
                # A step done by hand, or a cancellation, leaves its old appointment behind.
                if order and order["_next"] and order["_due"] == due:
                    self._step(order)
            await self.journal.commit()

    async def _rest(self) -> None:
        self._wake.clear()
        timeout = None
        if self._due and not self.settings.is_paused:
            timeout = max(0.0, self._due[0][0] - time.time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    def _await_step(self, order: Record, step: str) -> None:
        seconds = float(getattr(self.settings, f"{step}_s"))
        jitter = self.settings.jitter_share
        order["_next"] = step
        order["_due"] = time.time() + seconds * self._luck.uniform(1 - jitter, 1 + jitter)
        self.journal.put("orders", order["id"], order)
        self._plan(order)

    def _plan(self, order: Record) -> None:
        if order["_next"]:
            heapq.heappush(self._due, (order["_due"], order["id"]))
            self._wake.set()

    def _step(self, order: Record) -> None:
        step = order["_next"]
        order["_next"] = None
        {
            "received": self._receive,
            "picked": self._pick,
            "packed": self._pack,
            "shipped": self._ship,
            "delivered": self._deliver,
        }[step](order)
        if order["_next"] is None and step != "delivered" and order["status"] not in CONTROLLED:
            self._await_step(order, STEPS[STEPS.index(step) + 1])
        self.journal.put("orders", order["id"], order)

    def _receive(self, order: Record) -> None:
        self.teller.tell("order.received", order, lines=plain_lines(order["lines"]))

    def _pick(self, order: Record) -> None:
        short_line = self._unlucky_line(order)
        for line in order["lines"]:
            wanted = line["quantity"] - (1 if line is short_line else 0)
            line["picked_quantity"] = self.stock.pick(order["warehouse"], line["sku"], wanted)
            line["short_quantity"] = line["quantity"] - line["picked_quantity"]
            self.stock.free(order["warehouse"], line["sku"], line["short_quantity"])
        picked = plain_lines(order["lines"], "picked_quantity")
        self._set_status(order, "picked" if picked else "short")
        self._tell_short(order)
        if picked:
            self.teller.tell("order.picked", order, lines=picked)

    def _unlucky_line(self, order: Record) -> Record | None:
        if self._luck.random() >= self.settings.short_share:
            return None
        line: Record = self._luck.choice(order["lines"])
        return line

    def _tell_short(self, order: Record) -> None:
        names = ("line", "sku", "quantity", "picked_quantity", "short_quantity")
        short = [
            {**{name: line[name] for name in names}, "reason": "not_on_shelf"}
            for line in order["lines"]
            if line["short_quantity"]
        ]
        if short:
            self.teller.tell("order.short", order, lines=short)

    def _pack(self, order: Record) -> None:
        self._set_status(order, "packed")
        grams = sum(
            ITEM_BY_CODE[line["sku"]].grams * line["picked_quantity"] for line in order["lines"]
        )
        packages = [{"id": order["id"].replace("ob_", "pk_"), "weight_grams": grams}]
        lines = plain_lines(order["lines"], "picked_quantity")
        self.teller.tell("order.packed", order, lines=lines, packages=packages)

    def _ship(self, order: Record) -> None:
        lines = [
            {**line, "quantity": line["picked_quantity"] - line["shipped_quantity"]}
            for line in order["lines"]
        ]
        units = sum(line["quantity"] for line in lines)
        is_partial = (
            not order["shipments"]
            and units > 1
            and self._luck.random() < self.settings.partial_share
        )
        self._send_off(order, _first_half(lines, units) if is_partial else lines, is_partial)
        if is_partial:
            self._await_step(order, "shipped")

    def _send_off(self, order: Record, lines: list[Record], is_partial: bool) -> None:
        shipped = {line["line"]: line["quantity"] for line in lines}
        for line in order["lines"]:
            quantity = shipped.get(line["line"], 0)
            line["shipped_quantity"] += quantity
            self.stock.ship(order["warehouse"], line["sku"], quantity)
        self._set_status(order, "partially_shipped" if is_partial else "shipped")
        shipment = self._new_shipment(order, plain_lines(lines))
        order["shipments"].append(shipment)
        told = {name: value for name, value in shipment.items() if name != "id"}
        self.teller.tell(
            "order.shipped", order, shipment_id=shipment["id"], is_partial=is_partial, **told
        )

    def _new_shipment(self, order: Record, lines: list[Record]) -> Record:
        carrier, url = CARRIERS[int(order["id"][3:]) % len(CARRIERS)]
        number = f"00340{self._luck.randrange(10**14, 10**15)}"
        return {
            "id": f"{order['id'].replace('ob_', 'sh_')}_{len(order['shipments']) + 1}",
            "carrier": carrier,
            "service": order["service"],
            "tracking_number": number,
            "tracking_url": url + number,
            "shipped_at": ledger_stamp(),
            "lines": lines,
        }

    def _deliver(self, order: Record) -> None:
        self._set_status(order, "delivered")
        for shipment in order["shipments"]:
            self.teller.tell(
                "order.delivered",
                order,
                shipment_id=shipment["id"],
                delivered_at=wire_stamp(),
                lines=shipment["lines"],
            )

    def _set_status(self, order: Record, status: str) -> None:
        order["status"], order["updated_at"] = status, wire_stamp()
        kind = "outbound.cancelled" if status == "cancelled" else "outbound.progressed"
        detail = {"status": status}
        self.journal.record(Effect(kind, order["reference"], order["id"], detail=detail))


def _first_half(lines: list[Record], units: int) -> list[Record]:
    """Lines that add up to half of the units, rounded down, taken from the front."""
    left = units // 2
    half = []
    for line in lines:
        quantity = min(line["quantity"], left)
        left -= quantity
        half.append({**line, "quantity": quantity})
    return half
