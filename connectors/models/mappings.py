"""What do other systems call our things?"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from connectors.models.connection import Connection
from retailhub.kernel.models import Timestamped


class CodeMapping(Timestamped):
    """One row of a mapping table: their code on one connection, ours everywhere.

    Read inward, their code means one thing; read outward, ours has one name there. Several of ours
    may share one of theirs (every tip and gift card is the same service item in an ERP).
    """

    class Table(models.TextChoices):
        SKU = "SKU", "SKU"
        LOCATION = "LOCATION", "Location"
        TAX_CODE = "TAX_CODE", "Tax code"
        SHIPPING_METHOD = "SHIPPING_METHOD", "Shipping method"
        UNIT = "UNIT", "Unit of measure"

    class Direction(models.TextChoices):
        INWARD = "INWARD", "Theirs to ours"
        OUTWARD = "OUTWARD", "Ours to theirs"
        BOTH = "BOTH", "Both ways"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="mappings")
    table = models.CharField(max_length=20, choices=Table.choices)
    external_code = models.CharField(max_length=200)
    canonical_code = models.CharField(max_length=200)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.BOTH)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "table", "external_code"],
                condition=Q(direction__in=["INWARD", "BOTH"]),
                name="connectors_codemapping_their_code_means_one_thing",
            ),
            models.UniqueConstraint(
                fields=["connection", "table", "canonical_code"],
                condition=Q(direction__in=["OUTWARD", "BOTH"]),
                name="connectors_codemapping_our_code_has_one_name_there",
            ),
            models.CheckConstraint(
                condition=~Q(external_code="") & ~Q(canonical_code=""),
                name="connectors_codemapping_codes_are_never_empty",
            ),
        )

    def __str__(self) -> str:
        return f"{self.external_code} → {self.canonical_code}"


class ExternalReference(models.Model):
    """What a system calls one of our records: the ERP's order id, the channel's fulfilment id."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="references")
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=200, help_text="Our name of the record.")
    external_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "kind", "reference"],
                name="connectors_externalreference_one_per_record",
            ),
        )
        indexes = (
            # Read by the search box.
            models.Index(fields=["external_id"], name="connectors_reference_by_id"),
        )

    def __str__(self) -> str:
        return f"{self.reference} = {self.external_id}"
