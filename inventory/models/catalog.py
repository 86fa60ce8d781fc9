"""What can be sold, where it lies, and through whom."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from simple_history.models import HistoricalRecords

from inventory.availability import Fallback
from inventory.telling import Mode
from retailhub.kernel.models import Timestamped


class Item(Timestamped):
    """One sellable thing, known by our SKU. Other systems' spellings are code mappings."""

    sku = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=255, blank=True)
    category = models.CharField(
        max_length=80, blank=True, help_text="Availability rules may name it."
    )
    unit = models.CharField(
        max_length=20,
        default="each",
        db_default="each",
        help_text="The unit we count in. All our quantities are whole units of it.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        indexes = (
            # The search box and the item list: any part of a SKU or a name.
            GinIndex(
                OpClass(Upper("sku"), name="gin_trgm_ops"),
                OpClass(Upper("name"), name="gin_trgm_ops"),
                name="inventory_item_by_part_of_name",
            ),
        )

    def __str__(self) -> str:
        return self.sku


class ItemUnit(models.Model):
    """Another unit an item is counted in: one `unit` is `factor` of the item's own units."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="units")
    unit = models.CharField(max_length=20, help_text="e.g. case, pallet, dozen")
    factor = models.PositiveIntegerField(help_text="How many of the item's own units it holds.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["item", "unit"], name="inventory_itemunit_one_factor_per_unit"
            ),
            models.CheckConstraint(
                condition=Q(factor__gt=0), name="inventory_itemunit_holds_something"
            ),
        )

    def __str__(self) -> str:
        return f"1 {self.unit} = {self.factor}"


class Location(Timestamped):
    """A node that holds and ships stock: a warehouse, a store, a supplier."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    priority = models.PositiveSmallIntegerField(default=100, help_text="Lower ships first.")
    is_active = models.BooleanField(default=True, help_text="Off: nothing new is placed here.")

    # Written by services only: what counts of it while nobody tells us its stock.
    silent_since = models.DateTimeField(null=True, blank=True, editable=False)
    fallback = models.CharField(
        max_length=5,
        choices=[(f.value, f.value.capitalize()) for f in Fallback],
        default=Fallback.HOLD.value,
        db_default=Fallback.HOLD.value,
        editable=False,
    )
    fallback_percent = models.PositiveSmallIntegerField(default=100, db_default=100, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(code=""), name="inventory_location_code_is_never_empty"
            ),
            models.CheckConstraint(
                condition=Q(fallback_percent__lte=100),
                name="inventory_location_fallback_is_at_most_everything",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Channel(Timestamped):
    """Where orders come from: one shop or marketplace account."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    locations = models.ManyToManyField(
        Location,
        blank=True,
        related_name="channels",
        help_text="The nodes whose stock it may sell. Empty: every active one.",
    )

    publish_mode = models.CharField(
        "tell it",
        max_length=10,
        choices=[(m.value, m.label) for m in Mode],
        default=Mode.OFF.value,
        db_default=Mode.OFF.value,
    )
    publish_by_node = models.BooleanField(
        "node by node",
        default=False,
        db_default=False,
        help_text="It hears a number for each node (Shopify), not one number in all (Amazon).",
    )
    publish_threshold = models.PositiveIntegerField(
        "threshold",
        default=10,
        db_default=10,
        help_text="Units. At or below it every change is told; only for “when it matters”.",
    )
    publish_step = models.PositiveIntegerField(
        "step",
        default=0,
        db_default=0,
        help_text="Above the threshold, a change of so many units is told. 0: not by units.",
    )
    publish_percent = models.PositiveSmallIntegerField(
        "percent",
        default=20,
        db_default=20,
        help_text="Above the threshold, a change by so many percent is told. 0: not by percent.",
    )
    publish_wait_seconds = models.PositiveIntegerField(
        "longest wait",
        default=900,
        db_default=900,
        help_text="Seconds after which even a small change is told.",
    )
    full_run_minutes = models.PositiveIntegerField(
        "full run every",
        default=0,
        db_default=0,
        help_text="Minutes between runs that tell every number, changed or not. 0: none.",
    )
    full_run_at = models.DateTimeField(null=True, blank=True, editable=False)
    slo_seconds = models.PositiveIntegerField(
        "must know within",
        default=300,
        db_default=300,
        help_text="Seconds from a change of stock until the channel has it. 0: no promise.",
    )

    history = HistoricalRecords(excluded_fields=["updated_at", "full_run_at"])

    def __str__(self) -> str:
        return self.name
