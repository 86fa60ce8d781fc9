"""A run asks a person where it must, survives its worker, and nobody waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection as database

from connectors.models import Connection
from connectors.services.snapshots import run_again, run_due_snapshots, take_snapshot
from exceptions.buttons import buttons_of
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.ledger import prove_levels
from inventory.models import SnapshotPart, SnapshotRun
from inventory.services.forget_files import forget_files
from inventory.services.move import Kind, move_stock
from tests.conftest import Stock
from tests.connectors.snapshots.files import HEADER, MINUTE, PLAIN, outcome
from tests.inventory.levels import moved, on_hand
from tests.inventory.promises import promise
from tests.racing import at_once


@pytest.mark.parametrize(
    "small", ["MUG,BERLIN,5\n", "MUG,BERLIN,0\nPLATE,BERLIN,0\nLAMP,BERLIN,1\n"]
)
def test_a_file_that_shrank_by_half_is_applied_only_when_a_person_says_so(
    stock: Stock, send: Any, small: str, orders_team: Any, ana: Any, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    stock("PLATE", 7), stock("LAMP", 1)
    send(HEADER + "MUG,BERLIN,6\nPLATE,BERLIN,7\nLAMP,BERLIN,1\n")

    run = send(HEADER + small, at=now)

    assert (run.state, on_hand(mugs)) == ("HELD", 6)
    case = ExceptionCase.objects.get()
    assert case.title == "A stock file of WMS Berlin is less than half of the one before"
    assert "the one before 14 units in 3 rows" in case.detail

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    case.refresh_from_db()
    assert (run.state, case.state) == ("APPLIED", "RESOLVED")
    assert on_hand(mugs) == (5 if "5" in small else 0)


def test_a_level_that_falls_below_its_promises_is_a_case(
    stock: Stock, send: Any, now: datetime
) -> None:
    stock("MUG", 5)
    promise("A", MUG=4, now=now - 30 * MINUTE)

    send(HEADER + "MUG,BERLIN,3\n")

    case = ExceptionCase.objects.get()
    assert (case.code, case.context["cause"]) == ("inventory.overdrawn", "WRONG_COUNT")


def test_a_broken_promise_is_told_though_the_worker_vanished_after_the_merge(
    stock: Stock, send: Any, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 5)
    promise("A", MUG=4, now=now - 30 * MINUTE)

    def vanish(**_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("inventory.services.apply_snapshot.mark_snapshot", vanish)
        with pytest.raises(KeyboardInterrupt):
            send(HEADER + "MUG,BERLIN,3\n")
    assert not ExceptionCase.objects.exists()
    run_due_snapshots(now=now)

    case = ExceptionCase.objects.get()
    assert (case.code, case.context["cause"]) == ("inventory.overdrawn", "WRONG_COUNT")
    run = SnapshotRun.objects.get()
    assert (run.state, run.attempt, outcome(run)) == ("APPLIED", 2, {"unchanged": 1})


def test_a_run_that_keeps_ending_its_worker_is_given_up(
    stock: Stock, send: Any, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock("MUG", 5)

    def vanish(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("inventory.services.apply_snapshot.compare_snapshot", vanish)
        run = take_snapshot([PLAIN.encode()], connection=wms, key="k", counted_at=now)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run_due_snapshots(now=now)
    run_due_snapshots(now=now)

    run.refresh_from_db()
    assert (run.state, run.error) == ("FAILED", "It was broken off 3 times before it ended.")


def test_a_file_is_kept_for_as_long_as_somebody_may_run_it_again(
    stock: Stock, send: Any, ana: Any, now: datetime
) -> None:
    stock("MUG", 5)
    whole = send(HEADER + "MUG,BERLIN,9\n")
    unmapped = send(HEADER + "MUG,BERLIN,9\nBOWL,BERLIN,1\n")
    waiting = SnapshotRun.objects.create(
        source="wms-berlin", key="waits", size=1, body_sha256=b"", counted_at=now
    )
    SnapshotPart.objects.create(run=waiting, number=0, body=b"x")
    SnapshotRun.objects.update(finished_at=now)

    def kept() -> set[int]:
        return set(SnapshotPart.objects.values_list("run_id", flat=True))

    assert forget_files(now=now + timedelta(hours=24)) == 0
    assert forget_files(now=now + timedelta(hours=25)) == 1
    assert kept() == {unmapped.pk, waiting.pk}
    assert forget_files(now=now + timedelta(days=31)) == 1
    assert kept() == {waiting.pk}
    assert set(SnapshotRun.objects.values_list("pk", flat=True)) == {
        whole.pk,
        unmapped.pk,
        waiting.pk,
    }

    case = ExceptionCase.objects.get()
    (replay, *_) = buttons_of(case, user=ana)
    assert replay.disabled_reason == "The file is not kept any more. Ask the sender for a new one."
    assert not run_again(run_id=unmapped.pk, is_forced=False)


@pytest.mark.django_db(transaction=True)
def test_sales_go_on_while_a_file_is_merged_and_nothing_is_lost(
    stock: Stock, wms: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.services.compare_snapshot.SLICE", 10)
    levels = [stock(f"ITEM-{n:03}", 100) for n in range(60)]
    rows = "".join(f"ITEM-{n:03},BERLIN,{50 + n}\n" for n in range(60))
    take_snapshot(
        [HEADER.encode() + rows.encode()], connection=wms, key="k", counted_at=now - 5 * MINUTE
    )

    def sell(turn: int) -> None:
        for level in levels[turn::3]:
            at = now - timedelta(seconds=turn)
            move_stock([moved(level, Kind.SOLD, at, f"sold:{level.pk}:{turn}", on_hand=-1)])

    ends = at_once(
        [partial(sell, turn) for turn in range(3)] + [lambda: run_due_snapshots(now=now)]
    )

    assert [end for end in ends if isinstance(end, Exception)] == []
    run = SnapshotRun.objects.get()
    assert (run.state, run.error, outcome(run)) == (
        "APPLIED",
        "",
        {"changed": 59, "unchanged": 1},
    )
    assert [on_hand(level) for level in levels] == [49 + n for n in range(60)]
    assert prove_levels(most=1).differing == 0
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'inventory_staging%'")
        assert cursor.fetchone()[0] == 0
