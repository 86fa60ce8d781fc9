"""How much lies on the shelves, and how much of it is spoken for."""

from dataclasses import dataclass

from retailhub.sandbox.catalogue import ITEMS, PLACES, opening_stock
from retailhub.sandbox.clock import ledger_stamp
from retailhub.sandbox.journal import Journal, Record


@dataclass(frozen=True)
class Shelf:
    """One item in one warehouse: units that are not spoken for, and those of the first day."""

    warehouse: str
    sku: str
    available: int
    full: int

    @property
    def left(self) -> float:
        """The share of the first day's stock that is not spoken for."""
        return self.available / self.full

    @property
    def lacking(self) -> int:
        return self.full - self.available


class Stock:
    """One record per warehouse and item, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        rows = journal.table("stock")
        for place in PLACES:
            for item in ITEMS:
                if _key(place.code, item.code) not in rows:
                    self._open(place.code, item.code, opening_stock(item, place.code))

    def level(self, warehouse: str, sku: str) -> Record:
        return self._journal.table("stock")[_key(warehouse, sku)]

    def levels(self, warehouse: str | None, sku: str | None) -> list[Record]:
        return [
            _shown(row)
            for row in self._journal.table("stock").values()
            if warehouse in (None, row["warehouse"]) and sku in (None, row["sku"])
        ]

    def low_shelves(self, below: float) -> list["Shelf"]:
        """Shelves on which less than this share of the first day's stock is not spoken for."""
        shelves = [
            Shelf(place.code, item.code, _shown(self.level(place.code, item.code))["available"],
                  opening_stock(item, place.code))
            for place in PLACES
            for item in ITEMS
        ]  # fmt: skip
        return [shelf for shelf in shelves if shelf.left < below]

    def allocate(self, warehouse: str, sku: str, quantity: int) -> None:
        self._move(warehouse, sku, allocated=quantity)

    def free(self, warehouse: str, sku: str, quantity: int) -> None:
        self._move(warehouse, sku, allocated=-quantity)

    def pick(self, warehouse: str, sku: str, quantity: int) -> int:
        """Take up to this many from the shelf, first come first served, and say how many."""
        row = self.level(warehouse, sku)
        found = max(0, min(quantity, int(row["on_hand"] - row["picked"])))
        self._move(warehouse, sku, picked=found)
        return found

    def ship(self, warehouse: str, sku: str, quantity: int) -> None:
        self._move(warehouse, sku, on_hand=-quantity, allocated=-quantity, picked=-quantity)

    def count(self, warehouse: str, sku: str, on_hand: int) -> Record:
        """Write down what was counted, and tell what the book said before.

        Stamped to the microsecond: of a count and a parcel in one millisecond nobody could tell
        which came first.
        """
        row = self.level(warehouse, sku)
        previous = row["on_hand"]
        row["on_hand"], row["counted_at"] = on_hand, ledger_stamp()
        self._journal.put("stock", _key(warehouse, sku), row)
        return {**_shown(row), "previous_on_hand": previous}

    def change(self, warehouse: str, sku: str, quantity: int) -> Record:
        """Write units on or, below zero, off the book; never those that are picked already."""
        row = self.level(warehouse, sku)
        done = max(quantity, row["picked"] - row["on_hand"])
        self._move(warehouse, sku, on_hand=done)
        return {"warehouse": warehouse, "sku": sku, "quantity": done}

    def _move(self, warehouse: str, sku: str, **changes: int) -> None:
        row = self.level(warehouse, sku)
        for name, change in changes.items():
            row[name] += change
        self._journal.put("stock", _key(warehouse, sku), row)

    def _open(self, warehouse: str, sku: str, on_hand: int) -> None:
        row: Record = {
            "warehouse": warehouse,
            "sku": sku,
            "on_hand": on_hand,
            "allocated": 0,
            "picked": 0,
            "counted_at": ledger_stamp(),
        }
        self._journal.put("stock", _key(warehouse, sku), row)


def _shown(row: Record) -> Record:
    return {
        "warehouse": row["warehouse"],
        "sku": row["sku"],
        "on_hand": row["on_hand"],
        "allocated": row["allocated"],
        "available": row["on_hand"] - row["allocated"],
        "counted_at": row["counted_at"],
    }


def _key(warehouse: str, sku: str) -> str:
    return f"{warehouse}/{sku}"
