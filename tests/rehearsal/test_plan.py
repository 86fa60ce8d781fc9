"""The seed decides everything, and a run in which too little happened says nothing."""

from __future__ import annotations

import pytest

from retailhub.rehearsal.evidence import Evidence
from retailhub.rehearsal.invariants import INVARIANTS
from retailhub.rehearsal.plan import KILLS, LATE_SECONDS, SETTLE_SECONDS, Plan, Strike
from retailhub.rehearsal.rehearsal import Result
from retailhub.rehearsal.report import lines_after, verdict
from retailhub.rehearsal.tally import Fault, Tally

PLAN = Plan(orders=200, kills=10, seed=7)
KEPT = {invariant.name: list[str]() for invariant in INVARIANTS}


def test_the_same_seed_plans_the_same() -> None:
    assert PLAN.strikes() == Plan(orders=200, kills=10, seed=7).strikes()
    assert PLAN.strikes() != Plan(orders=200, kills=10, seed=8).strikes()


def test_strikes_fall_while_there_is_work() -> None:
    due = PLAN.strikes()

    assert sum(planned.strike in KILLS for planned in due) == 10
    for once in (Strike.FLUSH, Strike.CRASH, Strike.WEB, Strike.PAUSE):
        assert [planned.strike for planned in due].count(once) == 1
    assert 0 < due[0].at <= due[-1].at <= PLAN.delivery_seconds + 3


def test_a_late_effect_lands_before_anybody_looks_whether_it_is_there() -> None:
    assert 2 * LATE_SECONDS < SETTLE_SECONDS


def test_without_faults_nothing_is_planned() -> None:
    calm = Plan(orders=20, kills=5, seed=1, calm=True)

    assert (calm.strikes(), calm.faults, calm.failpoints) == ([], {}, "")


def result(*strikes: Fault, found: str = "", at_risk: int = 0) -> Result:
    lines = {**KEPT, "I3": [found]} if found else KEPT
    tally = Tally(strikes=list(strikes), at_risk=at_risk)
    return Result(PLAN, found=lines, tally=tally, evidence=Evidence())


@pytest.mark.parametrize(
    ("made", "last", "code"),
    [
        (result(Fault("kills", 10, 8)), "violations: 0", 0),
        (result(Fault("kills", 10, 7)), "void: too few of the planned faults landed", 2),
        (result(Fault("kills", 10, 10), found="twice"), "violations: 1", 1),
        (result(Fault("kills", 10, 0), found="twice"), "violations: 1", 1),
    ],
)
def test_the_last_line_and_the_exit_code_agree(made: Result, last: str, code: int) -> None:
    assert [*lines_after(made)][-1] == last
    assert verdict(made) == code


def test_says_how_much_was_at_risk() -> None:
    (said,) = (text for text in lines_after(result(at_risk=300)) if "at risk" in text)

    assert said.split()[-2:] == ["300,", "1.000%"]


def test_small_shares_may_miss_by_luck() -> None:
    small, large = Fault("ambiguous", 20, 10), Fault("ambiguous", 100, 50)

    assert not Tally(faults=[small]).is_void
    assert Tally(faults=[large]).is_void
