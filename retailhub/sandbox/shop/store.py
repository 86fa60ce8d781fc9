"""What the shop knows and what can happen to it. Every change is told and written down."""

from collections.abc import Iterable
from typing import Any, Final

from retailhub.sandbox.catalogue import ITEM, ITEMS, PLACE, PLACES, CatalogueItem, opening_stock
from retailhub.sandbox.clock import shop_stamp
from retailhub.sandbox.journal import Journal
from retailhub.sandbox.ledger import Effect
from retailhub.sandbox.shop.basket import Mix
from retailhub.sandbox.shop.fulfilment import (
    FulfilmentOrder,
    Part,
    ShopRefusal,
    Tracking,
    close_fulfilment_order,
    new_fulfilment_order,
    ship_parts,
)
from retailhub.sandbox.shop.hooks import Announcer, News
from retailhub.sandbox.shop.orders import Asked, Order, build_order
from retailhub.sandbox.shop.refunds import refund_lines

# Older orders are forgotten, so that a demo may run for days.
RETAINED_ORDERS: Final = 8_000
PLACED_TOPICS: Final = ("orders/create", "orders/paid", "orders/updated")


class ShopStore:
    """Orders, fulfilment orders and stock, kept in the journal."""

    def __init__(self, journal: Journal, announcer: Announcer) -> None:
        self.journal, self._announcer = journal, announcer
        self.orders = journal.table("orders")
        self.fulfilment_orders = journal.table("fulfilment_orders")
        self.inventory = journal.table("inventory")
        self._stock_the_shelves()

    # -- reading

    def order(self, order_id: int | str) -> Order | None:
        return self.orders.get(str(order_id))

    def fulfilment_orders_of(self, order: Order) -> list[FulfilmentOrder]:
        found = self.fulfilment_orders.get(str(order["number"]))
        return [found] if found else []

    def fulfilment_order(self, fulfilment_order_id: int) -> FulfilmentOrder | None:
        number = fulfilment_order_id % 10**10
        found = self.fulfilment_orders.get(str(number))
        return found if found and found["id"] == fulfilment_order_id else None

    def available(self, inventory_item_id: int, location_id: int) -> int | None:
        row = self.inventory.get(f"{inventory_item_id}@{location_id}")
        return None if row is None else int(row["available"])

    # -- what customers and shop keepers do

    def place(
        self, mix: Mix, seed: str, topics: Iterable[str] = PLACED_TOPICS, **asked: Any
    ) -> tuple[Order, dict[str, str]]:
        """A new order, and the webhook id that each topic about it went under."""
        order = build_order(Asked(self.journal.count_up("order"), seed, mix, **asked))
        fulfilment_order = new_fulfilment_order(order)
        if fulfilment_order:
            self._keep_fulfilment_order(fulfilment_order)
            for line in fulfilment_order["lines"]:
                self._shift(line["inventory_item_id"], fulfilment_order["place"], -line["total"])
        self._note("order.placed", order, name=order["name"], test=order["test"])
        is_paid = order["financial_status"] == "paid"
        if is_paid:
            self._note("order.paid", order)
        told = [topic for topic in topics if is_paid or topic != "orders/paid"]
        webhook_ids = self._change(order, [(topic, order) for topic in told], is_new=True)
        self._forget_the_oldest()
        return order, webhook_ids

    def pay(self, order: Order) -> None:
        order |= {"financial_status": "paid", "total_outstanding": "0.00"}
        self._note("order.paid", order)
        self._change(order, [("orders/paid", order), ("orders/updated", order)])

    def cancel(self, order: Order, reason: str) -> None:
        """Call the order off and pay it back. Raises ShopRefusal once something has shipped."""
        if order["cancelled_at"]:
            raise ShopRefusal("Cannot cancel an order that is already cancelled.", code="INVALID")
        if order["fulfillments"]:
            raise ShopRefusal("Cannot cancel a fulfilled order.", ["orderId"], "INVALID")
        news: list[News] = []
        if order["financial_status"] == "paid":
            news.append(("refunds/create", self._refund_all(order)))
        else:
            order["financial_status"] = "voided"
        stamp = shop_stamp()
        order |= {"cancelled_at": stamp, "closed_at": stamp, "cancel_reason": reason.lower()}
        for fulfilment_order in self.fulfilment_orders_of(order):
            for line in fulfilment_order["lines"]:
                place = fulfilment_order["place"]
                self._shift(line["inventory_item_id"], place, line["remaining"])
            close_fulfilment_order(fulfilment_order)
            self._keep_fulfilment_order(fulfilment_order)
        self._note("order.cancelled", order, reason=order["cancel_reason"])
        self._change(order, [("orders/cancelled", order), ("orders/updated", order), *news])

    def refund(
        self, order: Order, wanted: dict[int, int], restock_type: str, note: str | None = None
    ) -> dict[str, Any]:
        """Pay back some quantities by line id. Raises ShopRefusal."""
        refund = refund_lines(order, wanted, restock_type, note)
        self._note_refund(order, refund)
        self._change(order, [("refunds/create", refund), ("orders/updated", order)])
        return refund

    def update_product(self, item: CatalogueItem) -> dict[str, str]:
        """Something about a product changed that the hub does not need to know."""
        variant = {
            "id": item.variant_id,
            "sku": item.sku,
            "inventory_item_id": item.inventory_item_id,
        }
        body = {
            "id": item.product_id,
            "title": item.title,
            "status": "active",
            "updated_at": shop_stamp(),
            "variants": [variant],
        }
        return self._announcer.announce(f"product/{item.sku}", [("products/update", body)])

    # -- what callers of the API do

    def fulfil(self, order: Order, parts: list[Part], tracking: Tracking) -> dict[str, Any]:
        """Ship the parts. Nobody checks whether this was asked before: Shopify does not either."""
        fulfilment = ship_parts(order, parts, tracking)
        for fulfilment_order, _wanted in parts:
            self._keep_fulfilment_order(fulfilment_order)
        units = sum(line["quantity"] for line in fulfilment["line_items"])
        self.journal.record(
            Effect(
                "fulfillment.created",
                str(order["id"]),
                str(fulfilment["id"]),
                key=str(fulfilment["tracking_number"] or ""),
                detail={"units": units, "name": fulfilment["name"]},
            )
        )
        is_done = order["fulfillment_status"] == "fulfilled"
        outcome = "orders/fulfilled" if is_done else "orders/partially_fulfilled"
        news: list[News] = [("fulfillments/create", fulfilment), (outcome, order)]
        self._change(order, [*news, ("orders/updated", order)])
        return fulfilment

    def set_available(
        self, inventory_item_id: int, location_id: int, quantity: int, key: str
    ) -> None:
        row = {"available": quantity, "updated_at": shop_stamp()}
        self.journal.put("inventory", f"{inventory_item_id}@{location_id}", row)
        detail = {"location_id": location_id, "quantity": quantity}
        effect = Effect("inventory.set", str(inventory_item_id), key=key, detail=detail)
        self.journal.record(effect)

    def resend(self, order: Order, topic: str) -> dict[str, str]:
        """Tell the order's present state once more, as a new delivery."""
        return self._tell(order, [(topic, order)])

    # -- bookkeeping

    def _change(self, order: Order, news: list[News], *, is_new: bool = False) -> dict[str, str]:
        if not is_new:
            order["updated_at"] = shop_stamp()
        self.journal.put("orders", str(order["id"]), order)
        return self._tell(order, news)

    def _tell(self, order: Order, news: list[News]) -> dict[str, str]:
        return self._announcer.announce(str(order["id"]), news, is_test=order["test"])

    def _note(self, kind: str, order: Order, **detail: Any) -> None:
        self.journal.record(Effect(kind, str(order["id"]), str(order["id"]), detail=detail))

    def _refund_all(self, order: Order) -> dict[str, Any]:
        wanted = {line["id"]: line["current_quantity"] for line in order["line_items"]}
        refund = refund_lines(order, wanted, "cancel")
        self._note_refund(order, refund)
        return refund

    def _note_refund(self, order: Order, refund: dict[str, Any]) -> None:
        total = [
            entry["subtotal_set"]["shop_money"]["amount"] for entry in refund["refund_line_items"]
        ]
        detail = {"amounts": total}
        effect = Effect("refund.created", str(order["id"]), str(refund["id"]), detail=detail)
        self.journal.record(effect)

    def _keep_fulfilment_order(self, fulfilment_order: FulfilmentOrder) -> None:
        number = fulfilment_order["id"] % 10**10
        self.journal.put("fulfilment_orders", str(number), fulfilment_order)

    def _shift(self, inventory_item_id: int, place_code: str, by: int) -> None:
        key = f"{inventory_item_id}@{PLACE[place_code].shop_location_id}"
        row = self.inventory[key]
        row["available"] += by
        self.journal.put("inventory", key, row)

    def _stock_the_shelves(self) -> None:
        for item in ITEMS:
            for place in PLACES:
                key = f"{item.inventory_item_id}@{place.shop_location_id}"
                if key not in self.inventory:
                    row = {"available": opening_stock(item, place.code), "updated_at": shop_stamp()}
                    self.journal.put("inventory", key, row)

    def _forget_the_oldest(self) -> None:
        while len(self.orders) > RETAINED_ORDERS:
            oldest = next(iter(self.orders))
            self.journal.drop("fulfilment_orders", str(self.orders[oldest]["number"]))
            self.journal.drop("orders", oldest)


def item_by_inventory_id(inventory_item_id: int) -> CatalogueItem | None:
    return next((i for i in ITEM.values() if i.inventory_item_id == inventory_item_id), None)
