"""Closing a case is a claim. What shows that it is true?"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Proof(models.TextChoices):
    """What is known about the cure of a case. Empty: it is open, and nobody claimed one."""

    UNVERIFIED = "UNVERIFIED", "Being checked"
    VERIFIED = "VERIFIED", "Verified"
    NOT_CURED = "NOT_CURED", "Not cured"
    WORD = "WORD", "Not verified"  # nothing that could be looked at: a person's word


class Proved(models.Model):
    """The columns of a case about its cure; `proof_text` is the evidence in words.

    One that was reopened because it was not cured keeps `NOT_CURED` until it is closed again.
    """

    proof = models.CharField(
        max_length=10, choices=Proof.choices, blank=True, default="", db_default=""
    )
    proof_text = models.CharField(max_length=300, blank=True, default="", db_default="")
    proof_at = models.DateTimeField(null=True, help_text="When that was seen.")
    proof_due_at = models.DateTimeField(null=True, help_text="When to look next.")
    cure = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="What its replay followed: mapping or edit. Empty: nothing was changed.",
    )
    recurs = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="recurrences",
        db_index=False,
        help_text="The closed case about the same thing and cause that was before it.",
    )

    class Meta:
        abstract = True


PROOF_CONSTRAINTS = (
    models.CheckConstraint(
        condition=~Q(proof="UNVERIFIED") | Q(proof_due_at__isnull=False),
        name="exceptions_case_unverified_will_be_looked_at",
    ),
    models.CheckConstraint(
        condition=Q(proof__in=["", "NOT_CURED"]) | Q(closed_at__isnull=False),
        name="exceptions_case_verified_means_closed",
    ),
)
PROOF_INDEXES = (
    # The clock: whose cure is to be looked at.
    models.Index(
        fields=["proof_due_at", "id"],
        condition=Q(proof_due_at__isnull=False),
        name="exceptions_case_proof_due",
    ),
    # What closed a cause before.
    models.Index(
        fields=["cause", "-closed_at"],
        condition=Q(proof="VERIFIED"),
        name="exceptions_case_cured_by_cause",
    ),
    # The same for a code at one connection, while its cause is new.
    models.Index(
        fields=["connection", "code", "-closed_at"],
        condition=Q(proof="VERIFIED"),
        name="exceptions_case_cured_by_code",
    ),
    # What came after a closed case.
    models.Index(
        fields=["recurs"],
        condition=Q(recurs__isnull=False),
        name="exceptions_case_recurrences",
    ),
)
