"""The inbox, the outbox and the journal of attempts: the queue is these rows."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from connectors.lifecycle import Criticality, InboundState, OutboundState
from connectors.models.connection import Connection


def choices(values: type[InboundState] | type[OutboundState]) -> list[tuple[str, str]]:
    """Django choices from a lifecycle enum."""
    return [(value.value, value.value.capitalize()) for value in values]


class InboundKey(models.Model):
    """That we have heard a message, for ever. Its unique key is what makes intake happen once."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE)
    topic = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    body_sha256 = models.BinaryField(max_length=32)
    message_id = models.BigIntegerField(null=True)
    hits = models.PositiveIntegerField(default=1, db_default=1)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "topic", "key"], name="connectors_inboundkey_heard_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class InboundMessage(models.Model):
    """One message as it arrived, byte for byte, and what became of it.

    Claimed in batches, head of each `lane` first; `lease_token` fences a worker that is late.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="inbound")
    topic = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    lane = models.CharField(max_length=160)
    body = models.BinaryField()
    body_sha256 = models.BinaryField(max_length=32)
    headers = models.JSONField(default=dict, db_default={})
    edited_body = models.BinaryField(null=True, blank=True)
    trace_id = models.UUIDField()
    received_at = models.DateTimeField(db_default=Now())
    event_at = models.DateTimeField(null=True)
    is_conflict_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="conflicts"
    )

    state = models.CharField(
        max_length=10,
        choices=choices(InboundState),
        default=InboundState.RECEIVED,
        db_default=InboundState.RECEIVED.value,
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    crashes = models.PositiveIntegerField(default=0, db_default=0)
    generation = models.PositiveIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    deadline_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, default="", db_default="")
    lease_token = models.BigIntegerField(default=0, db_default=0)
    lease_until = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, default="", db_default="")
    error_detail = models.TextField(default="", db_default="")
    error_context = models.JSONField(default=dict, db_default={})
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            # The claim: due messages, oldest first.
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(state__in=["RECEIVED", "WAITING", "PARKED"]),
                name="connectors_inbound_due",
            ),
            # The claim of those who saw a worker vanish.
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(state__in=["RECEIVED", "WAITING", "PARKED"], crashes__gt=0),
                name="connectors_inbound_crashed",
            ),
            # The head-of-lane test of the claim, and what is parked in a lane.
            models.Index(
                fields=["lane", "id"],
                condition=Q(state__in=["RECEIVED", "PROCESSING", "WAITING", "PARKED"]),
                name="connectors_inbound_lane",
            ),
            # The sweep of expired leases.
            models.Index(
                fields=["lease_until"],
                condition=Q(state="PROCESSING"),
                name="connectors_inbound_leased",
            ),
            # The journey page and the search box.
            models.Index(fields=["trace_id"], name="connectors_inbound_by_trace"),
            models.Index(fields=["key"], name="connectors_inbound_by_key"),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"

    @property
    def current_body(self) -> bytes:
        """The corrected body if there is one, else what arrived."""
        return bytes(self.edited_body if self.edited_body is not None else self.body)


class OutboundMessage(models.Model):
    """One business effect we owe a system: the outbox row and the effect ledger in one.

    `effect_key` is business identity (never a row id, attempt or time) and unique per connection,
    so asking twice, replaying and racing all end in one effect.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="outbound")
    kind = models.CharField(max_length=40)
    effect_key = models.CharField(max_length=200)
    lane = models.CharField(max_length=160)
    order_id = models.BigIntegerField(null=True, help_text="The order it belongs to.")
    reference = models.CharField(max_length=200, help_text="Our name of the record it makes.")
    criticality = models.CharField(max_length=2, choices=[(c.value, c.value) for c in Criticality])
    coalesce_key = models.CharField(max_length=200, default="", db_default="")
    payload = models.JSONField()
    trace_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())

    state = models.CharField(
        max_length=10,
        choices=choices(OutboundState),
        default=OutboundState.READY,
        db_default=OutboundState.READY.value,
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    generation = models.PositiveIntegerField(default=0, db_default=0)
    must_look_up = models.BooleanField(default=False, db_default=False)
    next_attempt_at = models.DateTimeField(db_default=Now())
    deadline_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=80, default="", db_default="")
    lease_token = models.BigIntegerField(default=0, db_default=0)
    lease_until = models.DateTimeField(null=True)
    external_id = models.CharField(max_length=200, default="", db_default="")
    error_code = models.CharField(max_length=80, default="", db_default="")
    error_detail = models.TextField(default="", db_default="")
    error_context = models.JSONField(default=dict, db_default={})
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "effect_key"], name="connectors_outbound_effect_owed_once"
            ),
        )
        indexes = (
            # The claim: each connection's due effects, most critical first.
            models.Index(
                fields=["connection", "criticality", "next_attempt_at", "id"],
                condition=Q(state__in=["READY", "UNKNOWN"]),
                name="connectors_outbound_due",
            ),
            # The head-of-lane test of the claim.
            models.Index(
                fields=["connection", "lane", "id"],
                condition=~Q(state__in=["SENT", "CANCELLED", "SUPERSEDED"]),
                name="connectors_outbound_lane",
            ),
            # The sweep of expired leases.
            models.Index(
                fields=["lease_until"],
                condition=Q(state="SENDING"),
                name="connectors_outbound_leased",
            ),
            # The order page.
            models.Index(fields=["order_id"], name="connectors_outbound_by_order"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Attempt(models.Model):
    """One try of one effect. Inserted before the network is touched: an open one is the intent."""

    class Outcome(models.TextChoices):
        SENT = "SENT"  # applied, with the system's id
        FOUND = "FOUND"  # a look-up found it already there
        ABSENT = "ABSENT"  # a look-up found nothing
        LATER = "LATER"  # surely not applied
        THROTTLED = "THROTTLED"
        UNKNOWN = "UNKNOWN"
        REJECTED = "REJECTED"
        CRASHED = "CRASHED"  # the worker vanished with the call open
        LATE = "LATE"  # a stale worker's answer, after its lease was taken over

    message = models.ForeignKey(OutboundMessage, on_delete=models.CASCADE, related_name="journal")
    number = models.PositiveIntegerField()
    lease_token = models.BigIntegerField()
    is_look_up = models.BooleanField(default=False, db_default=False)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default="", db_default="")
    status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=80, default="", db_default="")
    detail = models.TextField(default="", db_default="")
    request = models.JSONField(null=True)
    response = models.JSONField(null=True)
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["message", "number"], name="connectors_attempt_numbered_once"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(finished_at__gte=F("started_at")),
                name="connectors_attempt_ends_after_it_starts",
            ),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.message_id}"
