"""What happens on the shelves without an order: counts, breakage, and goods that come in."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from retailhub.sandbox.catalogue import ITEM_BY_CODE, PLACES
from retailhub.sandbox.journal import Journal, Record
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.wms.events import Teller
from retailhub.sandbox.wms.floor import ProgressSettings
from retailhub.sandbox.wms.stock import Stock

BOX: Final = 12  # units that come in at once where nothing was ordered
REORDER_SHARE: Final = (
    0.4  # with less than this of the first day's stock left, a shelf is filled up
)
SCARCE_SHARE: Final = 0.01  # of the times that scarce goods are wanted, some come


class Storekeeper:
    """Counts shelves, writes units on and off, and receives what was bought."""

    def __init__(
        self,
        journal: Journal,
        stock: Stock,
        teller: Teller,
        settings: Callable[[], ProgressSettings],
    ) -> None:
        self.journal, self.stock, self.teller, self._settings = journal, stock, teller, settings
        self._luck = random.Random(1)  # noqa: S311 - dice

    async def count_now_and_then(self) -> None:
        """Every count_interval_s, look at one shelf; one in five differs from the book.

        Meanwhile a unit breaks or a box comes in, each about every tenth time.
        """
        while True:
            await asyncio.sleep(self._settings().count_interval_s or 1.0)
            if self._settings().count_interval_s and not self._settings().is_paused:
                self._look_at(self._luck.choice(PLACES).code, self._luck.choice(list(ITEM_BY_CODE)))
                await self.journal.commit()

    async def receive_now_and_then(self) -> None:
        """Every delivery_interval_s, fill up the emptiest shelf that runs low."""
        while True:
            await asyncio.sleep(self._settings().delivery_interval_s or 1.0)
            if self._settings().delivery_interval_s and not self._settings().is_paused:
                self._receive_goods()
                await self.journal.commit()

    def _receive_goods(self) -> None:
        low = [
            shelf
            for shelf in self.stock.low_shelves(below=REORDER_SHARE)
            if not ITEM_BY_CODE[shelf.sku].is_scarce or self._luck.random() < SCARCE_SHARE
        ]
        if low:
            shelf = min(low, key=lambda shelf: shelf.left)
            number = f"PO-{self.journal.count_up('purchase'):05d}"
            self.record_movement(
                "received", shelf.warehouse, shelf.sku, shelf.lacking, reference=number
            )

    def _look_at(self, warehouse: str, sku: str) -> None:
        luck = self._luck.random()
        if luck < 0.1:
            self.record_movement("adjusted", warehouse, sku, -1, reason="Broken")
        elif luck < 0.2:
            number = f"PO-{self.journal.count_up('purchase'):05d}"
            self.record_movement("received", warehouse, sku, BOX, reference=number)
        else:
            row = self.stock.level(warehouse, sku)
            found = row["on_hand"] + self._luck.choice((0, 0, 0, 0, -1))
            self.record_count(warehouse, sku, max(found, row["picked"]))

    def record_movement(
        self, kind: str, warehouse: str, sku: str, quantity: int, **more: str
    ) -> Record:
        """Write off (adjusted, below zero), write on or receive units, and tell it."""
        moved = {**self.stock.change(warehouse, sku, quantity), **more}
        if moved["quantity"]:
            topic = f"stock.{kind}"
            effect = Effect(topic, f"{warehouse}/{sku}", detail={"quantity": moved["quantity"]})
            self.journal.record(effect)
            self.teller.tell_stock(topic, moved)
        return moved

    def record_count(self, warehouse: str, sku: str, on_hand: int) -> Record:
        counted = self.stock.count(warehouse, sku, on_hand)
        effect = Effect("stock.counted", f"{warehouse}/{sku}", detail={"on_hand": on_hand})
        self.journal.record(effect)
        self.teller.tell_stock("stock.counted", counted)
        return counted
