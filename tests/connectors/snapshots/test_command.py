"""`import_snapshot`: a file from the disk, and its numbers on the terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connectors.models import Connection
from inventory.models import Location
from tests.conftest import Stock
from tests.connectors.snapshots.files import HEADER, PLAIN, zipped
from tests.inventory.levels import on_hand


def test_the_command_applies_a_file_and_tells_the_numbers(
    stock: Stock, wms: Connection, tmp_path: Path
) -> None:
    mugs = stock("MUG", 5)
    path = tmp_path / "stock.csv.gz"
    path.write_bytes(zipped((PLAIN + "CUP,BERLIN,1\n").encode()))
    out = StringIO()

    call_command("import_snapshot", str(path), connection="wms-berlin", stdout=out)

    assert on_hand(mugs) == 9
    assert "         1 changed\n" in out.getvalue()
    assert "row 3: unknown SKU: CUP, BERLIN, 1\n" in out.getvalue()
    with pytest.raises(CommandError, match="no connection nobody"):
        call_command("import_snapshot", str(path), connection="nobody")


def test_the_command_refuses_a_shrunken_file_unless_forced(
    stock: Stock, wms: Connection, tmp_path: Path
) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 100)
    path = tmp_path / "stock.csv"
    path.write_text(HEADER + "MUG,BERLIN,6\nPLATE,BERLIN,100\n")
    call_command("import_snapshot", str(path), connection="wms-berlin", stdout=StringIO())
    path.write_text(HEADER + "MUG,BERLIN,7\nPLATE,BERLIN,0\n")

    with pytest.raises(CommandError, match="Held"):
        call_command("import_snapshot", str(path), connection="wms-berlin", stdout=StringIO())
    assert on_hand(mugs) == 6

    call_command(
        "import_snapshot", str(path), connection="wms-berlin", force=True, stdout=StringIO()
    )
    assert on_hand(mugs) == 7
    assert Location.objects.count() == 1
