"""How are messages mended? One by one as a new version, or by a rule for all that are alike."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from connectors.models.connection import Connection
from connectors.models.messages import InboundMessage
from retailhub.kernel.models import Timestamped


class MessageVersion(models.Model):
    """A corrected body of one message. Version 1 is what arrived; it is on the message for ever.

    A version without a body is version 1 again: somebody took a correction back.
    """

    message = models.ForeignKey(InboundMessage, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.BinaryField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["message", "number"], name="connectors_messageversion_numbered_once"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=2), name="connectors_messageversion_one_is_what_arrived"
            ),
        )

    def __str__(self) -> str:
        return f"version {self.number} of {self.message_id}"


class CorrectionRule(Timestamped):
    """Messages of one topic that meet every condition are corrected before they are read.

    The stored body never changes. `conditions` are `{path, how, value}` with `how` equals, prefix
    or one_of; `patch` is RFC 6902. A rule ends by itself at `expires_at`.
    """

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="correction_rules"
    )
    topic = models.CharField(max_length=80)
    conditions = models.JSONField()
    patch = models.JSONField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.CharField(max_length=500)
    made_from = models.ForeignKey(InboundMessage, null=True, on_delete=models.PROTECT)
    expires_at = models.DateTimeField()
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(conditions=[]) & ~Q(patch=[]),
                name="connectors_correctionrule_has_a_condition_and_a_patch",
            ),
        )
        indexes = (
            # Every batch of messages asks for the rules of its connections.
            models.Index(
                fields=["connection", "topic"],
                condition=Q(is_active=True),
                name="connectors_correctionrule_live",
            ),
        )

    def __str__(self) -> str:
        return f"rule {self.pk}"


class CorrectionHit(models.Model):
    """That a rule corrected a message which then came to its end or stopped."""

    rule = models.ForeignKey(CorrectionRule, on_delete=models.CASCADE, related_name="hits")
    message = models.ForeignKey(
        InboundMessage, on_delete=models.CASCADE, related_name="corrections"
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["rule", "message"], name="connectors_correctionhit_once_per_message"
            ),
        )

    def __str__(self) -> str:
        return f"rule {self.rule_id} on {self.message_id}"
