"""The rows of the desk, by concept."""

from exceptions.models.cases import CaseEvent, Cause, ExceptionCase
from exceptions.models.expectations import Expectation, ExpectationTemplate
from exceptions.models.ownership import Absence, Assignment, OwnershipRule, RuleSet, Team
from exceptions.models.replays import BulkScope, ReplayItem, ReplayRun, RunEvent

__all__ = [
    "Absence",
    "Assignment",
    "BulkScope",
    "CaseEvent",
    "Cause",
    "ExceptionCase",
    "Expectation",
    "ExpectationTemplate",
    "OwnershipRule",
    "ReplayItem",
    "ReplayRun",
    "RuleSet",
    "RunEvent",
    "Team",
]
