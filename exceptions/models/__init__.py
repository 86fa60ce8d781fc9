"""The rows of the desk, by concept."""

from exceptions.models.audit import CaseEvent, Erasure
from exceptions.models.cases import ExceptionCase
from exceptions.models.causes import Cause, CauseEvent
from exceptions.models.clock import Calendar, ClosedDay, LadderStep, SlaPolicy, WorkingHours
from exceptions.models.expectations import Expectation, ExpectationTemplate
from exceptions.models.hooks import Notice, Subscription
from exceptions.models.incidents import HeldEffect
from exceptions.models.ownership import Absence, Assignment, OwnershipRule, RuleSet, Team
from exceptions.models.presence import Presence
from exceptions.models.programs import ProgramAct
from exceptions.models.replays import BulkScope, ReplayItem, ReplayRun, RunEvent
from exceptions.models.saved_views import SavedView

__all__ = [
    "Absence",
    "Assignment",
    "BulkScope",
    "Calendar",
    "CaseEvent",
    "Cause",
    "CauseEvent",
    "ClosedDay",
    "Erasure",
    "ExceptionCase",
    "Expectation",
    "ExpectationTemplate",
    "HeldEffect",
    "LadderStep",
    "Notice",
    "OwnershipRule",
    "Presence",
    "ProgramAct",
    "ReplayItem",
    "ReplayRun",
    "RuleSet",
    "RunEvent",
    "SavedView",
    "SlaPolicy",
    "Subscription",
    "Team",
    "WorkingHours",
]
