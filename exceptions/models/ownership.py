"""Who looks after what?"""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from connectors.models import Connection
from inventory.models import Location
from retailhub.kernel.models import Timestamped


class Team(Timestamped):
    """People who share a queue, and the connections they may see."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    connections = models.ManyToManyField(Connection, blank=True, related_name="teams")
    gives_in_turn = models.BooleanField(
        "gives cases in turn",
        default=False,
        db_default=False,
        help_text="New cases go to the members one after another, by themselves.",
    )
    capacity = models.PositiveSmallIntegerField(
        default=20,
        db_default=20,
        validators=[MinValueValidator(1)],
        help_text="Open cases one member may hold before others are asked. "
        "What nobody has room for stays with the team.",
    )

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(capacity__gte=1), name="exceptions_team_members_hold_at_least_one"
            ),
        )

    def __str__(self) -> str:
        return self.name


class OwnershipRule(Timestamped):
    """A row of the draft of the routing table. Empty columns match anything, the last match wins.

    What is here routes nothing yet: cases follow the newest `RuleSet`, which is made of these rows
    once somebody has seen who would move.
    """

    position = models.PositiveIntegerField(
        default=100, help_text="Read in this order; the last match wins."
    )
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE)
    system = models.CharField(max_length=40, blank=True, help_text="e.g. shopify.")
    node = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE)
    code_prefix = models.CharField(
        max_length=80, blank=True, help_text="e.g. connectors.mapping_missing, or inventory."
    )
    country = models.CharField(
        max_length=2, blank=True, help_text="Where the order goes, as two letters, e.g. AT."
    )
    region = models.CharField(
        max_length=80, blank=True, help_text="As the channel says it, e.g. BY or Bavaria."
    )
    currency = models.CharField(
        max_length=3, blank=True, help_text="Of the amounts beside it, e.g. EUR."
    )
    value_from = models.DecimalField(
        max_digits=19, decimal_places=4, null=True, blank=True, help_text="Orders of at least this."
    )
    value_below = models.DecimalField(
        max_digits=19,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Orders below this.",
    )
    order_tag = models.CharField(max_length=80, blank=True)
    customer_tag = models.CharField(max_length=80, blank=True, help_text="e.g. VIP.")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="rules")
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(value_from=None, value_below=None) | ~Q(currency=""),
                name="exceptions_rule_amount_has_a_currency",
            ),
            models.CheckConstraint(
                condition=Q(value_from=None)
                | Q(value_below=None)
                | Q(value_from__lt=F("value_below")),
                name="exceptions_rule_amounts_leave_room",
            ),
        )

    def __str__(self) -> str:
        return f"{self.position}. {self.condition_text()} → {self.team}"

    def condition_text(self) -> str:
        """What it asks for, as one reads it aloud."""
        said = [text for text in self._conditions() if text]
        return " and ".join(said) or "anything"

    def _conditions(self) -> tuple[str, ...]:
        return (
            f"connection is {self.connection}" if self.connection_id else "",
            f"system is {self.system}" if self.system else "",
            f"node is {self.node}" if self.node_id else "",
            f"code starts with {self.code_prefix}" if self.code_prefix else "",
            f"country is {self.country.upper()}" if self.country else "",
            f"region is {self.region}" if self.region else "",
            f"value is {self.value_from.normalize():f} {self.currency} or more"
            if self.value_from is not None
            else "",
            f"value is below {self.value_below.normalize():f} {self.currency}"
            if self.value_below is not None
            else "",
            f"currency is {self.currency}" if self.currency and not self._has_amounts else "",
            f"order is tagged {self.order_tag}" if self.order_tag else "",
            f"customer is tagged {self.customer_tag}" if self.customer_tag else "",
        )

    @property
    def _has_amounts(self) -> bool:
        return self.value_from is not None or self.value_below is not None


class RuleSet(models.Model):
    """One version of the routing table, as it was applied: frozen, so an old decision stays
    explainable after its rules have changed."""

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(help_text="In the order they are read; see exceptions/routing.py.")
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    applied_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"version {self.number}"


class Assignment(models.Model):
    """Who was given a case, by what, and which other rules would have had it. Never changed."""

    class How(models.TextChoices):
        RULE = "RULE", "A rule"
        PERSON = "PERSON", "A person"
        TURN = "TURN", "Its turn"
        LADDER = "LADDER", "The ladder"

    case = models.ForeignKey(
        "exceptions.ExceptionCase", on_delete=models.PROTECT, related_name="assignments"
    )
    how = models.CharField(max_length=6, choices=How.choices)
    team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    rules_version = models.PositiveIntegerField(help_text="0: before the first version.")
    explanation = models.JSONField(
        default=dict, help_text="facts, rule (text), lost (texts of the other rules that match)."
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            # "Why this team?" in the pane of a case.
            models.Index(fields=["case", "-id"], name="exceptions_assignment_by_case"),
            # Whose turn it is: when each member was last given something.
            models.Index(
                fields=["person", "-at"],
                condition=Q(how="TURN"),
                name="exceptions_assignment_turns",
            ),
        )

    def __str__(self) -> str:
        return f"{self.case_id} by {self.how.lower()}"


class Absence(Timestamped):
    """A person is out of office: nothing new is given to them by itself."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences"
    )
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Back from this moment on.")

    history = HistoricalRecords(excluded_fields=["updated_at"])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begins_at")),
                name="exceptions_absence_ends_after_it_begins",
            ),
        )
        indexes = (
            # Who is away right now.
            models.Index(fields=["ends_at", "begins_at"], name="exceptions_absence_now"),
        )

    def __str__(self) -> str:
        return f"{self.person} until {self.ends_at:%d %b %H:%M}"
