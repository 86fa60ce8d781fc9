"""Files of stock over HTTP: the numbers beside those of the file before, and the bad rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from exceptions.models import Team
from inventory.models import SnapshotRun
from tests.console.conftest import SignedIn
from tests.console.inventory.reading import text_of


def file_of(source: str, **more: Any) -> SnapshotRun:
    """A file that came."""
    return SnapshotRun.objects.create(
        source=source,
        key=f"k{SnapshotRun.objects.count()}",
        body_sha256=b"",
        size=2048,
        counted_at=timezone.now(),
        **more,
    )


@pytest.fixture
def client(as_: SignedIn, mia: User) -> Client:
    return as_(mia)


def test_a_file_is_compared_with_the_one_before(client: Client, wms: Connection) -> None:
    before = file_of("wms-berlin", state="APPLIED", rows=100, unchanged=100, units=700)
    run = file_of(
        "wms-berlin",
        state="HELD",
        rows=40,
        changed=3,
        unchanged=35,
        unknown=2,
        units=250,
        previous=before,
        error="It has 40 rows, the one before had 100.",
        unknown_codes={"SKU": ["<b>X</b>"], "LOCATION": []},
        samples=[{"row": 7, "why": "unknown SKU", "text": "<b>X</b>;BERLIN;3"}],
    )

    answer = client.get(f"/inventory/runs/{run.pk}/")

    numbers = {
        r["label"]: (r["now"], r["before"], r["difference"]) for r in answer.context["numbers"]
    }
    assert numbers["Rows"] == (40, 100, -60)
    assert numbers["Units in all"] == (250, 700, -450)
    assert numbers["Unknown SKU, node or unit"] == (2, 0, 2)
    read = text_of(answer)
    assert "It has 40 rows, the one before had 100." in read
    assert "unknown SKU" in read
    assert "<b>X" not in answer.content.decode()


def test_files_are_listed_newest_first_page_by_page(client: Client, wms: Connection) -> None:
    for _ in range(70):
        file_of("wms-berlin")

    first = client.get("/inventory/runs/")
    second = client.get(f"/inventory/runs/{first.context['next_href']}")

    ids = [run["id"] for run in first.context["runs"] + second.context["runs"]]
    assert ids == sorted(SnapshotRun.objects.values_list("pk", flat=True), reverse=True)
    assert second.context["next_href"] == ""


def test_a_person_sees_the_files_of_their_connections(
    as_: SignedIn, ben: User, finance_team: Team, wms: Connection
) -> None:
    theirs, mine = file_of("wms-berlin"), file_of("netsuite")

    client = as_(ben)

    assert [r["id"] for r in client.get("/inventory/runs/").context["runs"]] == [mine.pk]
    assert client.get(f"/inventory/runs/{theirs.pk}/").status_code == 404
