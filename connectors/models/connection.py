"""An account at a system: how to reach it, how hard to push it, and its secrets."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from inventory.availability import Fallback
from inventory.models import Channel
from retailhub.kernel.models import Timestamped


class Connection(Timestamped):
    """One account at one system, with its policy. Secrets live in `Credential`, never here."""

    class Role(models.TextChoices):
        SHOP = "SHOP", "Shop"
        ERP = "ERP", "ERP"
        WAREHOUSE = "WAREHOUSE", "Warehouse"

    class Health(models.TextChoices):
        HEALTHY = "HEALTHY", "Healthy"
        DEGRADED = "DEGRADED", "Degraded"
        DOWN = "DOWN", "Down"
        SIGN_IN = "SIGN_IN", "Needs sign-in"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    system = models.CharField(max_length=40, help_text="A name from the registry, e.g. shopify.")
    role = models.CharField(max_length=12, choices=Role.choices)
    channel = models.OneToOneField(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="connection"
    )
    base_url = models.URLField(max_length=300, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)

    rate_per_second = models.FloatField(
        default=10, help_text="Calls per second we allow ourselves."
    )
    burst = models.PositiveIntegerField(
        default=20, help_text="Calls in a row before the rate bites."
    )
    concurrency = models.PositiveSmallIntegerField(default=4, help_text="Calls in flight at once.")
    timeout_seconds = models.FloatField(default=20, help_text="Wall clock for one call.")
    settle_seconds = models.FloatField(
        default=120,
        help_text="How long a lost call may still be applied on their side. "
        "Only after it do we look whether it was.",
    )
    poll_seconds = models.PositiveIntegerField(
        default=0, help_text="0: this connection isn't polled."
    )

    silence_minutes = models.PositiveIntegerField(
        "silent after",
        default=0,
        db_default=0,
        help_text="Minutes without a word on stock after which a node is silent. 0: not watched.",
    )
    fallback = models.CharField(
        "then offer",
        max_length=5,
        choices=[
            (Fallback.HOLD.value, "its last number"),
            (Fallback.SHARE.value, "a share of its last number"),
            (Fallback.STOP.value, "nothing of it"),
        ],
        default=Fallback.HOLD.value,
        db_default=Fallback.HOLD.value,
    )
    fallback_percent = models.PositiveSmallIntegerField(
        "share (percent)",
        default=50,
        db_default=50,
        help_text="Of the last number, while it is silent.",
    )

    # Written by services only, on transitions.
    inbound_paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    outbound_paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    pause_reason = models.CharField(max_length=300, blank=True, editable=False)
    health = models.CharField(
        max_length=10, choices=Health.choices, default=Health.HEALTHY, editable=False
    )
    health_since = models.DateTimeField(db_default=Now(), editable=False)
    health_detail = models.CharField(max_length=500, blank=True, editable=False)
    closed_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The circuit breaker is open until then."
    )
    breaker_trips = models.PositiveIntegerField(default=0, editable=False)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    test_result = models.JSONField(null=True, blank=True, editable=False)

    history = HistoricalRecords(
        excluded_fields=["updated_at", "test_result", "tested_at", "breaker_trips", "closed_until"]
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(fallback_percent__lte=100),
                name="connectors_connection_fallback_is_at_most_everything",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_paused(self) -> bool:
        return self.inbound_paused_at is not None or self.outbound_paused_at is not None

    @property
    def takes_nothing(self) -> bool:
        """What is owed to it waits: it is paused, or does not answer."""
        return self.outbound_paused_at is not None or self.closed_until is not None

    def breaker_is_open(self, now: datetime) -> bool:
        """True while nothing may be sent because the system keeps failing."""
        return self.closed_until is not None and self.closed_until > now


class Credential(Timestamped):
    """One secret of one connection, encrypted; several of a name may be valid while rotating.

    The clear text is written through `services/credentials.py` and read only by the client that
    needs it. No page, log, history or export ever holds it.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=40, help_text="e.g. access_token, webhook_secret")
    ciphertext = models.BinaryField(editable=False)
    fingerprint = models.CharField(max_length=12, editable=False)
    last_four = models.CharField(max_length=4, blank=True, editable=False)
    retires_at = models.DateTimeField(
        null=True, blank=True, help_text="A replaced secret stays valid until then."
    )

    class Meta:
        indexes = (
            # Read when a message knocks or an account is built.
            models.Index(fields=["connection", "name"], name="connectors_credential_by_name"),
        )

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"


class Cursor(models.Model):
    """How far a poller has read one resource of one connection."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="cursors")
    resource = models.CharField(max_length=40)
    position = models.CharField(max_length=1000, blank=True)
    seen_until = models.DateTimeField()
    due_at = models.DateTimeField(db_default=Now(), help_text="Not asked before.")
    began_at = models.DateTimeField(
        null=True, blank=True, help_text="When the listing that is under way was begun."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "resource"], name="connectors_cursor_one_per_resource"
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource} until {self.seen_until:%Y-%m-%d %H:%M}"


class ApiKey(Timestamped):
    """A caller of our API, bound to the connection it speaks for. Only a digest is kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["digest", "last_used_at", "updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(digest=""), name="connectors_apikey_has_a_digest"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
