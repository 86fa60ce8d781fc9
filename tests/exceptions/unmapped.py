"""Messages that wait for a row of a mapping."""

from __future__ import annotations

from exceptions.models import ExceptionCase
from tests.exceptions.conftest import Stopped


def missing(make: Stopped, key: str, sku: str = "MUG-XMAS") -> ExceptionCase:
    """A message about an item that has no row, and its case."""
    context = {"table": "SKU", "external_code": sku}
    return make(key, error_code="connectors.mapping_missing", error_context=context, state="PARKED")
