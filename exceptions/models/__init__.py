"""The rows of the desk, by concept."""

from exceptions.models.cases import CaseEvent, Cause, ExceptionCase
from exceptions.models.expectations import Expectation, ExpectationTemplate
from exceptions.models.ownership import OwnershipRule, Team

__all__ = [
    "CaseEvent",
    "Cause",
    "ExceptionCase",
    "Expectation",
    "ExpectationTemplate",
    "OwnershipRule",
    "Team",
]
