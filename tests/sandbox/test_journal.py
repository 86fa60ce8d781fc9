"""What was answered is on disk, and survives whatever happens to the process."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from retailhub.sandbox.erp.system import Erp
from retailhub.sandbox.journal import CALL, Call, Journal
from retailhub.sandbox.ledger import Effect, read_ledger
from retailhub.sandbox.wms.system import Wms
from tests.sandbox.estate import Hub, Running, log_in, running
from tests.sandbox.test_erp import ORDER, sales_order
from tests.sandbox.test_wms import ORDERS, outbound

pytestmark = pytest.mark.asyncio


async def test_an_effect_is_fsynced_before_commit_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fdatasync

    def spy(descriptor: int) -> None:
        real(descriptor)
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").rsplit("/", 1)[-1])

    monkeypatch.setattr(os, "fdatasync", spy)
    journal = Journal(tmp_path, "erp")

    journal.record(Effect("salesorder.created", "SO-1"))
    await journal.commit()

    assert synced == ["state.jsonl", "ledger.jsonl"]
    assert [line.reference for line in read_ledger(tmp_path)] == ["SO-1"]
    journal.close()


async def test_many_who_wait_share_few_fsyncs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    real = os.fdatasync

    def spy(descriptor: int) -> None:
        nonlocal count
        count += 1
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", spy)
    journal = Journal(tmp_path, "erp")

    async def write(number: int) -> None:
        journal.record(Effect("salesorder.created", f"SO-{number}"))
        await journal.commit()

    await asyncio.gather(*(write(number) for number in range(200)))

    assert len(read_ledger(tmp_path)) == 200
    assert count < 40
    journal.close()


async def test_a_line_names_the_trace_and_the_body_of_its_call(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "erp")
    CALL.set(Call("trace-1", "abc"))

    line = journal.record(Effect("salesorder.created", "SO-1", "10001", "SO-1", {"units": 2}))

    await journal.commit()
    assert (line.number, line.trace_id, line.digest) == (1, "trace-1", "abc")
    assert list(read_ledger(tmp_path / "ledger.jsonl")) == [line]
    journal.close()


async def test_an_effect_missing_from_a_torn_ledger_is_put_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "erp")
    for number in range(3):
        journal.record(Effect("salesorder.created", f"SO-{number}"))
        journal.put("records", str(number), {"id": number})
    await journal.commit()
    journal.close()
    ledger, state = tmp_path / "ledger.jsonl", tmp_path / "state.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-40])
    state.write_bytes(state.read_bytes() + b'["records","9",{"id"')

    again = Journal(tmp_path, "erp")

    assert [line.reference for line in read_ledger(tmp_path)] == ["SO-0", "SO-1", "SO-2"]
    assert sorted(again.table("records")) == ["0", "1", "2"]
    assert again.record(Effect("salesorder.created", "SO-3")).number == 4
    again.close()


async def test_a_long_state_file_is_shortened_at_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "erp")
    for number in range(1_500):
        journal.put("records", "1", {"number": number})
    await journal.commit()
    journal.close()

    again = Journal(tmp_path, "erp")

    assert (tmp_path / "state.jsonl").read_text() == '["records","1",{"number":1499}]\n'
    assert again.table("records") == {"1": {"number": 1499}}
    again.close()


async def test_a_state_file_that_grows_too_long_is_rewritten_while_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retailhub.sandbox.journal.COMPACT_BYTES", 2_000)
    journal = Journal(tmp_path, "erp")

    for number in range(300):
        journal.put("records", str(number % 3), {"number": number})
        journal.record(Effect("salesorder.updated", f"SO-{number % 3}"))
        await journal.commit()
    journal.close()

    again = Journal(tmp_path, "erp")
    assert (tmp_path / "state.jsonl").stat().st_size < 5_000
    assert [row["number"] for row in again.table("records").values()] == [297, 298, 299]
    assert len(read_ledger(tmp_path)) == 300
    assert again.number == 300
    again.close()


async def test_the_erp_remembers_its_records_over_a_restart(tmp_path: Path) -> None:
    async with running(Erp(tmp_path), tmp_path) as erp:
        await log_in(erp)
        first = await erp.client.put(ORDER, json=sales_order())

    async with running(Erp(tmp_path), tmp_path) as erp:
        assert (await erp.client.get(ORDER)).status_code == 401
        await log_in(erp)
        again = await erp.client.put(ORDER, json=sales_order())

        assert again.headers["Location"].split("/")[-1] == first.headers["Location"].split("/")[-1]
        kinds = [line.kind for line in erp.ledger]
        assert kinds == ["salesorder.created", "salesorder.updated"]


async def test_the_warehouse_goes_on_where_it_stopped(
    wms: Running, hub: Hub, tmp_path: Path
) -> None:
    await wms.set("/progress", is_paused=True)
    await wms.client.post(ORDERS, json=outbound())
    copy = tmp_path / "copy"
    (copy / "wms").mkdir(parents=True)
    for file in (tmp_path / "wms").iterdir():
        (copy / "wms" / file.name).write_bytes(file.read_bytes())

    async with running(Wms(copy, hub.address + "/hooks/wms-berlin/"), copy) as again:
        await again.set("/progress", short_share=0, partial_share=0)
        await again.control("/outbound-orders/ob_000001/advance", to="delivered")
        heard = await hub.wait_for(5)

    assert [h.json["sequence"] for h in heard] == [1, 2, 3, 4, 5]


async def test_the_ledger_is_offered_over_http_too(wms: Running) -> None:
    await wms.set("/progress", is_paused=True)
    await wms.client.post(ORDERS, json=outbound(), headers={"X-Trace-Id": "t-9"})
    await wms.client.post(ORDERS, json=outbound(reference="FO-2"))

    everything = (await wms.client.get("/_sandbox/ledger")).json()
    one = (await wms.client.get("/_sandbox/ledger", params={"reference": "FO-2"})).json()["lines"]
    later = (await wms.client.get("/_sandbox/ledger", params={"after": 1})).json()["lines"]

    assert everything["last"] == 2
    assert everything["lines"][0]["trace_id"] == "t-9"
    assert one == later
    file = (wms.data / "wms" / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in file] == everything["lines"]
