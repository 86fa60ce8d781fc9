"""What a code means on one connection, inward and outward; no guess where two things share it."""

from __future__ import annotations

import pytest

from connectors.models import CodeMapping, Connection
from connectors.services.codes import Codes
from connectors.systems.base import MappingMissing


def book(connection: Connection, *rows: tuple[str, str], direction: str = "BOTH") -> Codes:
    for theirs, ours in rows:
        CodeMapping.objects.create(
            connection=connection,
            table="SKU",
            external_code=theirs,
            canonical_code=ours,
            direction=direction,
        )
    return Codes(connection)


def test_where_no_row_says_otherwise_a_code_means_itself(wms: Connection) -> None:
    codes = book(wms)

    assert (codes.canonical("SKU", "MUG"), codes.external("SKU", "MUG")) == ("MUG", "MUG")


def test_reads_a_row_both_ways(wms: Connection) -> None:
    codes = book(wms, ("TASSE", "MUG"))

    assert codes.canonical("SKU", "TASSE") == "MUG"
    assert codes.external("SKU", "MUG") == "TASSE"


@pytest.mark.parametrize(
    ("direction", "inward", "outward"),
    [("INWARD", "MUG", "MUG"), ("OUTWARD", "TASSE", "TASSE")],
)
def test_reads_a_row_only_in_its_direction(
    wms: Connection, direction: str, inward: str, outward: str
) -> None:
    codes = book(wms, ("TASSE", "MUG"), direction=direction)

    assert codes.canonical("SKU", "TASSE") == inward
    assert codes.external("SKU", "MUG") == outward


def test_never_sends_a_word_that_means_something_else_there(wms: Connection) -> None:
    codes = book(wms, ("CUP", "MUG"))  # what they call a cup is our mug

    with pytest.raises(MappingMissing) as refusal:
        codes.external("SKU", "CUP")

    assert refusal.value.context == {"table": "SKU", "external_code": "CUP"}


def test_a_strict_table_has_no_default(wms: Connection) -> None:
    wms.settings = {"strict_tables": ["SKU"]}
    codes = book(wms, ("TASSE", "MUG"))

    assert codes.external("SKU", "MUG") == "TASSE"
    with pytest.raises(MappingMissing):
        codes.external("SKU", "PLATE")
    with pytest.raises(MappingMissing):
        codes.canonical("SKU", "PLATE")
    assert codes.external("LOCATION", "BERLIN") == "BERLIN"


def test_tables_and_connections_do_not_mix(wms: Connection, erp: Connection) -> None:
    book(wms, ("TASSE", "MUG"))

    assert Codes(erp).external("SKU", "MUG") == "MUG"
    assert Codes(wms).external("TAX_CODE", "MUG") == "MUG"
