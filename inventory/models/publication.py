"""What was each channel told, when and why, and what did it show when we looked?"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inventory.models.catalog import Channel, Item


class Publication(models.Model):
    """One number told to one channel, with its explanation. Append-only but for what became of it.

    `nodes` is the same number by location code, for channels that hear it node by node. Lag is
    counted from `changed_at` to `sent_at` and to the offer's `observed_at`; `changed_at` is when
    the stock had moved so far that the channel was to know: its knobs say what may wait.
    """

    class Reason(models.TextChoices):
        CHANGE = "CHANGE", "Stock changed"
        THRESHOLD = "THRESHOLD", "Crossed a threshold"
        FULL = "FULL", "Full run"
        PUSH = "PUSH", "Pushed again by a person"
        DRIFT = "DRIFT", "The channel showed another number"
        FALLBACK = "FALLBACK", "A source is silent"

    class State(models.TextChoices):
        OWED = "OWED"
        SENT = "SENT"
        SUPERSEDED = "SUPERSEDED"  # a newer number went instead
        FAILED = "FAILED"

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="publications", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="publications")
    quantity = models.PositiveIntegerField()
    nodes = models.JSONField(default=dict, db_default={})
    explanation = models.JSONField()
    reason = models.CharField(max_length=10, choices=Reason.choices)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.OWED, db_default=State.OWED.value
    )
    changed_at = models.DateTimeField()
    decided_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    observed_at = models.DateTimeField(null=True, help_text="First seen on the channel.")
    error_code = models.CharField(max_length=80, blank=True, default="", db_default="")
    error_detail = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        indexes = (
            # What did we tell this channel about this item at that time?
            models.Index(fields=["channel", "item", "-id"], name="inventory_publication_told"),
            # How long did they take?
            models.Index(
                fields=["channel", "sent_at"],
                condition=Q(sent_at__isnull=False),
                name="inventory_publication_sent",
            ),
            # What waits for a person, e.g. for a row of a mapping table.
            models.Index(
                fields=["channel"],
                condition=Q(state="FAILED"),
                name="inventory_publication_failed",
            ),
            # Which are on their way, and how long already?
            models.Index(
                fields=["channel", "changed_at"],
                condition=Q(state="OWED"),
                name="inventory_publication_owed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id} to channel {self.channel_id}"


class ChannelOffer(models.Model):
    """Where one item stands at one channel: what we told last, and what it showed when we looked.

    `last` is the newest publication, sent or not. Nothing is published while `paused_at` is set.
    `pending_since` is the earliest change that was not worth telling yet; `forced` asks for a
    decision that tells the number even if it is the same. `refusals` counts how often in a row
    the channel showed another number when it was told; `drift_since` is when it first did.
    """

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="offers", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="offers", db_index=False)
    last = models.ForeignKey(Publication, null=True, on_delete=models.PROTECT, related_name="+")
    published_quantity = models.PositiveIntegerField(null=True, help_text="Sent and accepted.")
    published_nodes = models.JSONField(default=dict, db_default={})
    published_at = models.DateTimeField(null=True)
    observed_quantity = models.IntegerField(null=True, help_text="What the channel showed.")
    observed_nodes = models.JSONField(default=dict, db_default={})
    observed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    pending_since = models.DateTimeField(null=True)
    forced = models.CharField(
        max_length=10,
        choices=Publication.Reason.choices,
        blank=True,
        default="",
        db_default="",
    )
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0)
    drift_since = models.DateTimeField(null=True)
    troubled_since = models.DateTimeField(null=True, help_text="A case may be open about it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["channel", "item"], name="inventory_channeloffer_one_per_channel_and_item"
            ),
        )
        indexes = (
            # The item's page.
            models.Index(fields=["item"], name="inventory_channeloffer_by_item"),
            # What somebody asked to be told, changed or not.
            models.Index(
                fields=["id"],
                condition=~Q(forced="") & Q(paused_at=None),
                name="inventory_channeloffer_forced",
            ),
            # What waits to be worth telling, and the oldest of it.
            models.Index(
                fields=["channel", "pending_since"],
                condition=Q(pending_since__isnull=False, paused_at=None),
                name="inventory_channeloffer_waits",
            ),
            # What showed another number and must be looked at again.
            models.Index(
                fields=["channel", "observed_at"],
                condition=Q(drift_since__isnull=False),
                name="inventory_channeloffer_doubt",
            ),
            # The sample that is read back: those not looked at for longest.
            models.Index(
                fields=["channel", "observed_at", "id"],
                condition=Q(published_at__isnull=False),
                name="inventory_channeloffer_unseen",
            ),
            # The drift view: the channel shows another number than it was told.
            models.Index(
                fields=["channel", "item"],
                condition=Q(observed_at__gte=F("published_at"))
                & ~Q(observed_quantity=F("published_quantity")),
                name="inventory_channeloffer_drift",
            ),
        )

    def __str__(self) -> str:
        return f"item {self.item_id} at channel {self.channel_id}"
