"""How much lies where, who was promised what, and every change that made it so."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inventory.models.catalog import Item, Location
from retailhub.kernel.models import Timestamped


class StockLevel(Timestamped):
    """Units of one item at one location: on hand, promised but not yet gone, and taken by others.

    `allocated` is what the node set aside for work that is not ours. Promises may exceed what is
    there only because a count from outside said so; no promise does that.
    """

    # Found by the unique constraint, which begins with it.
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="levels", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels")
    on_hand = models.IntegerField(default=0, db_default=0)
    reserved = models.IntegerField(default=0, db_default=0)
    allocated = models.IntegerField(default=0, db_default=0)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["item", "location"], name="inventory_stocklevel_one_per_item_and_location"
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0), name="inventory_stocklevel_reserved_never_negative"
            ),
            models.CheckConstraint(
                condition=Q(allocated__gte=0), name="inventory_stocklevel_allocated_never_negative"
            ),
        )

    def __str__(self) -> str:
        return (
            f"{self.item_id}@{self.location_id}: {self.on_hand} on hand, {self.reserved} reserved"
        )

    @property
    def available(self) -> int:
        """Units that can still be promised. Below zero: more was promised than there is."""
        return self.on_hand - self.reserved - self.allocated


class StockMovement(models.Model):
    """One change of one level. Append-only; `effect_key` makes it happen once."""

    class Kind(models.TextChoices):
        COUNTED = "COUNTED"  # a source said how many there are
        ADJUSTED = "ADJUSTED"  # a source said how many more or fewer: damage, loss, correction
        RECEIVED = "RECEIVED"  # from a supplier
        SENT_ON = "SENT_ON"  # left for another of our nodes
        ARRIVED = "ARRIVED"  # came from another of our nodes
        RETURNED = "RETURNED"  # back from a customer, and sellable
        SOLD = "SOLD"  # sold over a counter, never promised
        ALLOCATED = "ALLOCATED"  # the node set aside, or gave back, units for work not ours
        RESERVED = "RESERVED"
        RELEASED = "RELEASED"
        CONSUMED = "CONSUMED"  # shipped: both on hand and reserved go down

    level = models.ForeignKey(
        StockLevel, on_delete=models.PROTECT, related_name="movements", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    effect_key = models.CharField(max_length=200)
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    source = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="Who said so."
    )
    on_hand_change = models.IntegerField(default=0, db_default=0)
    reserved_change = models.IntegerField(default=0, db_default=0)
    allocated_change = models.IntegerField(default=0, db_default=0)
    on_hand_after = models.IntegerField()
    reserved_after = models.IntegerField()
    allocated_after = models.IntegerField(default=0, db_default=0)
    trace_id = models.UUIDField(null=True, blank=True)
    happened_at = models.DateTimeField()
    heard_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            # Not `unique=True`, which would keep a second index for LIKE.
            models.UniqueConstraint(
                fields=["effect_key"], name="inventory_stockmovement_happened_once"
            ),
        )
        indexes = (
            # Read by an item's timeline and by the rebuild of a level.
            models.Index(fields=["level", "id"], name="inventory_movement_by_level"),
            # Which nodes said something since the last look. The ledger grows in this order.
            BrinIndex(
                fields=["heard_at"],
                pages_per_range=16,
                autosummarize=True,
                name="inventory_movement_by_hearing",
            ),
            # What came to and left one level since it was counted.
            models.Index(
                fields=["level", "happened_at"],
                condition=~Q(kind="COUNTED") & ~Q(on_hand_change=0),
                name="inventory_movement_since",
            ),
            # The same for all levels, since a snapshot; rows lie nearly in this order.
            BrinIndex(fields=["happened_at"], name="inventory_movement_by_moment"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.effect_key}"


class StockSignal(models.Model):
    """That the stock of an item changed, until everybody who publishes it has looked.

    Insert-only, so that it never makes two who move stock wait for each other. Thousands come with
    one file and live for a second: no key is checked for them, and no item finds its own.
    """

    item = models.ForeignKey(
        Item, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"item {self.item_id} changed"


class InTransit(Timestamped):
    """Units on their way to a location: a purchase order's, a transfer's."""

    reference = models.CharField(max_length=120)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="in_transit")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="in_transit")
    quantity = models.PositiveIntegerField()
    received_quantity = models.PositiveIntegerField(default=0, db_default=0)
    expected_at = models.DateTimeField()
    source = models.CharField(max_length=60, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["reference", "item", "location"], name="inventory_intransit_known_once"
            ),
        )
        indexes = (
            # What will arrive within the horizon of an availability rule.
            models.Index(
                fields=["item", "location", "expected_at"],
                condition=Q(received_quantity__lt=F("quantity")),
                name="inventory_intransit_on_its_way",
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} on their way ({self.reference})"

    @property
    def outstanding(self) -> int:
        """Units that are still to come."""
        return max(self.quantity - self.received_quantity, 0)


class Reservation(Timestamped):
    """Units of one item at one location promised to `reference` (an order line, a basket).

    A hold with `expires_at` ends by itself then; committing it takes that away.
    """

    class State(models.TextChoices):
        HELD = "HELD"
        RELEASED = "RELEASED"
        EXPIRED = "EXPIRED"
        CONSUMED = "CONSUMED"

    reference = models.CharField(max_length=120)
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="reservations", db_index=False
    )
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, related_name="reservations", db_index=False
    )
    quantity = models.PositiveIntegerField()
    consumed_quantity = models.PositiveIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.HELD)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # Asking again returns the first promise. A released promise leaves room for a new one.
            models.UniqueConstraint(
                fields=["reference", "item", "location"],
                condition=Q(state="HELD"),
                name="inventory_reservation_one_held_per_reference",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0), name="inventory_reservation_promises_something"
            ),
            models.CheckConstraint(
                condition=Q(consumed_quantity__lte=F("quantity")),
                name="inventory_reservation_consumes_at_most_the_promise",
            ),
        )
        indexes = (
            # Read when an order's promises are released, consumed or shown.
            models.Index(fields=["reference"], name="inventory_reservation_by_ref"),
            # The item's page: to whom is it promised?
            models.Index(
                fields=["item", "id"],
                condition=Q(state="HELD"),
                name="inventory_reservation_held",
            ),
            # The clock that ends holds.
            models.Index(
                fields=["expires_at"],
                condition=Q(state="HELD", expires_at__isnull=False),
                name="inventory_reservation_expiring",
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} for {self.reference} ({self.state})"
