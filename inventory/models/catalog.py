"""What can be sold, where it lies, and through whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from retailhub.kernel.models import Timestamped


class Item(Timestamped):
    """One sellable thing, known by our SKU. Other systems' spellings are code mappings."""

    sku = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.sku


class Location(Timestamped):
    """A node that holds and ships stock: a warehouse, a store, a supplier."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    priority = models.PositiveSmallIntegerField(default=100, help_text="Lower ships first.")
    is_active = models.BooleanField(default=True, help_text="Off: nothing new is placed here.")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(code=""), name="inventory_location_code_is_never_empty"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Channel(Timestamped):
    """Where orders come from: one shop or marketplace account."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name
