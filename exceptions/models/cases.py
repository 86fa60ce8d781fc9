"""What is stuck, why, since when, what it costs, and what people did about it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from connectors.models import Connection, InboundMessage, OutboundMessage
from exceptions.expected import PREFIX
from exceptions.incidents import INCIDENTS
from exceptions.lifecycle import CaseState
from exceptions.models.causes import Cause
from exceptions.models.clock import SlaPolicy
from exceptions.models.ownership import Team
from exceptions.models.proof import PROOF_CONSTRAINTS, PROOF_INDEXES, Proved
from orders.models import Order
from retailhub.kernel.models import Timestamped


class WaitsFor(models.TextChoices):
    """On whom a case waits, as clocks ask."""

    CUSTOMER = "CUSTOMER", "The customer"
    VENDOR = "VENDOR", "A partner: shop, carrier, warehouse, bank"
    INSIDE = "INSIDE", "A colleague"


class PauseReason(models.TextChoices):
    """Why a clock stands."""

    WAITING = "WAITING", "Waits for somebody outside"
    CONNECTION = "CONNECTION", "The connection is down"


OPEN_STATES = ["NEW", "CLAIMED", "REPLAYING", "WAITING", "SNOOZED"]
# Nothing failed, and yet it is not there.
SILENT = Q(code__startswith=PREFIX) | Q(code="connectors.missing")


class ExceptionCase(Proved, Timestamped):
    """One stuck thing that a person must look at. Points at the message or the order itself."""

    class Severity(models.IntegerChoices):
        LOW = 1
        MEDIUM = 2
        HIGH = 3
        CRITICAL = 4

    cause = models.ForeignKey(Cause, on_delete=models.PROTECT, related_name="cases")
    code = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    context = models.JSONField(default=dict, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)

    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT)
    parent = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="children",
        db_index=False,
        help_text="The incident that stands for it. It stays when both are closed, for its report.",
    )
    inbound = models.ForeignKey(
        InboundMessage, null=True, on_delete=models.PROTECT, related_name="cases"
    )
    outbound = models.ForeignKey(
        OutboundMessage, null=True, on_delete=models.PROTECT, related_name="cases"
    )
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="cases")
    order_number = models.CharField(max_length=80, blank=True)
    value = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    trace_id = models.UUIDField(null=True)

    state = models.CharField(
        max_length=10, choices=[(s.value, s.value.capitalize()) for s in CaseState]
    )
    team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="cases")
    team_reason = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(
        default=dict, db_default={}, help_text="What ownership rules may ask, as of the last error."
    )
    rules_version = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The version of the rules that `team` was decided under."
    )
    is_pinned = models.BooleanField(
        default=False, db_default=False, help_text="A person chose the team: rules leave it alone."
    )
    pinned_until = models.DateTimeField(null=True, help_text="Empty: until somebody lets it go.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="cases"
    )
    version = models.PositiveIntegerField(default=1)
    failed_again = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    wake_at = models.DateTimeField(null=True)
    is_late = models.BooleanField(default=False, db_default=False)
    harm = models.FloatField(
        default=0, db_default=0.0, help_text="What waiting costs; see exceptions/harm.py."
    )
    harm_until = models.DateTimeField(null=True, help_text="When that changes by itself.")
    policy = models.ForeignKey(
        SlaPolicy, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    minutes = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Time to solve it that it began with; 0: not known."
    )
    respond_due_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField(null=True)
    waits_for = models.CharField(
        max_length=8, choices=WaitsFor.choices, blank=True, default="", db_default=""
    )
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(
        max_length=10, choices=PauseReason.choices, blank=True, default="", db_default=""
    )
    paused_for = models.DurationField(default=timedelta(0), db_default=timedelta(0))
    ladder_percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    ladder_at = models.DateTimeField(
        null=True, help_text="When the team's ladder is to be looked at. Empty: not again."
    )
    closed_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["inbound"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_one_open_per_inbound_message",
            ),
            models.UniqueConstraint(
                fields=["outbound"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_one_open_per_outbound_message",
            ),
            models.UniqueConstraint(
                fields=["order", "code"],
                condition=Q(state__in=OPEN_STATES, inbound=None, outbound=None),
                name="exceptions_case_one_open_per_order_and_code",
            ),
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=OPEN_STATES, code__in=INCIDENTS, inbound=None, outbound=None),
                name="exceptions_case_one_open_incident_per_connection",
            ),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(code__in=INCIDENTS),
                name="exceptions_case_incidents_have_no_parent",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, state__in=OPEN_STATES)
                | Q(closed_at__isnull=False, state__in=["RESOLVED", "IGNORED"]),
                name="exceptions_case_closed_means_a_time",
            ),
            models.CheckConstraint(
                condition=Q(paused_at=None, pause_reason="")
                | (Q(paused_at__isnull=False) & ~Q(pause_reason="")),
                name="exceptions_case_paused_means_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(is_pinned=True) | Q(pinned_until=None),
                name="exceptions_case_pin_with_an_end_is_a_pin",
            ),
            *PROOF_CONSTRAINTS,
        )
        indexes = (
            # The queue: the most harmful first.
            models.Index(
                fields=["-is_late", "-harm", "id"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_open_by_harm",
            ),
            # The clock: what is to be weighed again.
            models.Index(
                fields=["harm_until", "id"],
                condition=Q(state__in=OPEN_STATES, harm_until__isnull=False),
                name="exceptions_case_harm_changes",
            ),
            # The tab of what will breach soon.
            models.Index(
                fields=["due_at", "-severity", "id"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_open_by_due",
            ),
            # An incident's numbers, and the queue behind it.
            models.Index(
                fields=["parent", "state"],
                condition=Q(parent__isnull=False),
                name="exceptions_case_by_parent",
            ),
            # How many each tab holds, for those who see everything and for a team: the index alone
            # says who sees what.
            models.Index(
                fields=["state", "owner", "connection", "team", "parent", "code"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_open_by_state",
            ),
            # The tab of what never happened.
            models.Index(
                fields=["id"],
                condition=Q(SILENT, state__in=OPEN_STATES),
                name="exceptions_case_open_silent",
            ),
            # The cause page and the counts by cause.
            models.Index(
                fields=["cause"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_open_cause",
            ),
            # Whoever leaves, and how many cases each member holds.
            models.Index(
                fields=["owner", "team"],
                condition=Q(state__in=OPEN_STATES, owner__isnull=False),
                name="exceptions_case_open_owner",
            ),
            # What a team gives in turn, and what it holds.
            models.Index(
                fields=["team", "due_at"],
                condition=Q(state__in=OPEN_STATES),
                name="exceptions_case_open_team",
            ),
            # The clock: pins that end.
            models.Index(
                fields=["pinned_until"],
                condition=Q(pinned_until__isnull=False),
                name="exceptions_case_pin_ends",
            ),
            # The clock: steps of the ladder that are due.
            models.Index(
                fields=["ladder_at"],
                condition=Q(ladder_at__isnull=False, state__in=OPEN_STATES),
                name="exceptions_case_ladder_due",
            ),
            # How fast teams drain.
            models.Index(
                fields=["closed_at"],
                condition=Q(closed_at__isnull=False),
                name="exceptions_case_closed",
            ),
            # The order page and the search box.
            models.Index(fields=["order_number"], name="exceptions_case_by_number"),
            *PROOF_INDEXES,
        )

    def __str__(self) -> str:
        return self.title

    @property
    def lacks_their_code(self) -> bool:
        """Whether a missing mapping names our code, on its way out, rather than theirs."""
        return self.outbound_id is not None or "offer_id" in self.context
