"""What must happen, by when, and whether it did: silence is an error."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from connectors.models import Connection
from exceptions.models.cases import ExceptionCase
from exceptions.models.ownership import Team
from orders.models import Order
from retailhub.kernel.models import Timestamped


class ExpectationTemplate(Timestamped):
    """A kind of promise: what opens it, what meets it, how long that may take.

    Shipped in `exceptions/expected.py`; what people change here counts for what is opened from
    then on.
    """

    code = models.SlugField(max_length=60, unique=True, editable=False)
    title = models.CharField(
        max_length=200, help_text="May use {subject}, {connection} and {span}, the time allowed."
    )
    opened_by = models.CharField(max_length=200, editable=False)
    met_by = models.CharField(max_length=200, editable=False)
    minutes = models.PositiveIntegerField(
        help_text="Minutes allowed. Counts for what is opened from now on."
    )
    severity = models.PositiveSmallIntegerField(choices=ExceptionCase.Severity.choices)
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        help_text="Who gets its cases. Empty: the routing rules decide.",
    )
    is_recurring = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField(
        default=True, help_text="Off: nothing new is expected, and nothing is raised."
    )

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(minutes__gt=0), name="exceptions_template_allows_some_time"
            ),
        )

    def __str__(self) -> str:
        return self.code.replace("_", " ").capitalize()


class Expectation(models.Model):
    """One thing that must have happened by `due_at`.

    It ends met, void (nobody wants it any more), or raised: then it has a case, which closes when
    it is met after all. `paused_at` stops its clock. A recurring one never ends: meeting it begins
    its next period, with `opened_at` at the meeting.
    """

    template = models.ForeignKey(ExpectationTemplate, on_delete=models.PROTECT, db_index=False)
    business_key = models.CharField(max_length=200, help_text="What it is about.")
    subject = models.CharField(max_length=200, help_text="What people call it: Order #1042.")
    order = models.ForeignKey(
        Order, null=True, on_delete=models.CASCADE, related_name="expectations"
    )
    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    trace_id = models.UUIDField(null=True)
    minutes = models.PositiveIntegerField()
    is_recurring = models.BooleanField(default=False, db_default=False)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)
    met_by = models.CharField(max_length=300, blank=True, default="", db_default="")
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    raised_at = models.DateTimeField(null=True)
    case = models.ForeignKey(
        ExceptionCase, null=True, on_delete=models.PROTECT, related_name="expectations"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["template", "business_key"], name="exceptions_expectation_opened_once"
            ),
            models.CheckConstraint(
                condition=Q(met_at=None) | Q(voided_at=None),
                name="exceptions_expectation_is_met_or_void_not_both",
            ),
            models.CheckConstraint(
                condition=Q(raised_at=None) | Q(case__isnull=False),
                name="exceptions_expectation_raised_means_a_case",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gte=F("opened_at")),
                name="exceptions_expectation_due_after_it_is_opened",
            ),
        )
        indexes = (
            # Read every few seconds by what raises the overdue: earliest first.
            models.Index(
                fields=["due_at", "id"],
                condition=Q(met_at=None, voided_at=None, raised_at=None, paused_at=None),
                name="exceptions_expectation_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.template_id} {self.business_key}"
