"""The rows of the desk, by concept."""

from exceptions.models.cases import CaseEvent, Cause, ExceptionCase
from exceptions.models.expectations import Expectation, ExpectationTemplate
from exceptions.models.ownership import OwnershipRule, Team
from exceptions.models.replays import BulkScope, ReplayItem, ReplayRun, RunEvent

__all__ = [
    "BulkScope",
    "CaseEvent",
    "Cause",
    "ExceptionCase",
    "Expectation",
    "ExpectationTemplate",
    "OwnershipRule",
    "ReplayItem",
    "ReplayRun",
    "RunEvent",
    "Team",
]
