"""Who is told by webhook when a case opens, breaches or is resolved, and what they were told."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from exceptions.models.cases import ExceptionCase
from exceptions.models.ownership import Team
from retailhub.kernel.models import Timestamped


class Kind(models.TextChoices):
    """What happened to a case."""

    OPENED = "case.opened", "A case opened"
    BREACHED = "case.breached", "A case passed its deadline"
    RESOLVED = "case.resolved", "A case was closed"


class Subscription(Timestamped):
    """An address that is told. Its secret signs what we send; it is written and never shown.

    The secret before it, `former_ciphertext`, signs beside it until `former_until`.
    """

    name = models.CharField(max_length=120)
    url = models.URLField(max_length=300, help_text="https, a public address.")
    kinds = ArrayField(models.CharField(max_length=20, choices=Kind.choices))
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Only cases of this team. Empty: of all.",
    )
    is_active = models.BooleanField(default=True)
    ciphertext = models.BinaryField(editable=False)
    fingerprint = models.CharField(max_length=12, editable=False)
    former_ciphertext = models.BinaryField(null=True, editable=False)
    former_until = models.DateTimeField("the old secret signs until", null=True, editable=False)

    failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    next_try_at = models.DateTimeField(db_default=Now(), editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)

    history = HistoricalRecords(
        excluded_fields=[
            *("ciphertext", "failures", "failing_since", "next_try_at", "lease_until"),
            *("last_error", "updated_at", "former_ciphertext", "former_until"),
        ]
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(failures=0, failing_since=None)
                | Q(failures__gt=0, failing_since__isnull=False),
                name="exceptions_subscription_fails_since_a_time",
            ),
            models.CheckConstraint(
                condition=Q(former_ciphertext=None, former_until=None)
                | Q(former_ciphertext__isnull=False, former_until__isnull=False),
                name="exceptions_subscription_old_secret_ends_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """One thing that one address is told: written with the fact, sent until it is taken.

    `id` is the receiver's to tell repetitions apart: it stays the same however often it is sent.
    """

    class State(models.TextChoices):
        READY = "READY", "To be sent"
        SENT = "SENT", "Sent"
        GIVEN_UP = "GIVEN_UP", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, db_index=False)
    case = models.ForeignKey(ExceptionCase, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    version = models.PositiveIntegerField(help_text="The case's, when it happened.")
    payload = models.JSONField()
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.READY, db_default=State.READY.value
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    status = models.PositiveSmallIntegerField(null=True, help_text="The last answer's.")
    error = models.CharField(max_length=300, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["case", "subscription", "kind", "version"],
                name="exceptions_notice_told_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="SENT") | Q(sent_at__isnull=False),
                name="exceptions_notice_sent_means_a_time",
            ),
        )
        indexes = (
            # The sender: what a subscription is still to be told, the least tried first.
            models.Index(
                fields=["subscription", "attempts", "created_at"],
                condition=Q(state="READY"),
                name="exceptions_notice_ready",
            ),
            # The admin's list, and the job that forgets.
            models.Index(fields=["-created_at"], name="exceptions_notice_newest"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.case_id}"
