"""When is a number worth telling? Never too late for what sells out, seldom for what is plenty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.telling import Knobs, Mode, is_worth_telling

THRESHOLD = Knobs(
    mode=Mode.THRESHOLD, threshold=10, step=50, percent=20, longest_wait=timedelta(minutes=15)
)
units = st.integers(min_value=0, max_value=10_000)
waits = st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2))


@pytest.mark.parametrize(
    ("told", "number", "waited", "is_told"),
    [
        (None, 100, 0, True),  # never heard of it
        (100, 99, 0, False),
        (100, 80, 0, True),  # 20 percent
        (1000, 950, 0, True),  # 50 units
        (1000, 951, 0, False),
        (12, 11, 0, False),
        (12, 10, 0, True),  # crosses the threshold
        (8, 7, 0, True),  # below it everything counts
        (5, 12, 0, True),  # and crosses it upwards
        (100, 99, 900, True),  # waited long enough
        (100, 99, 899, False),
    ],
)
def test_tells_what_matters(told: int | None, number: int, waited: int, is_told: bool) -> None:
    waiting = timedelta(seconds=waited)
    assert is_worth_telling(THRESHOLD, told=told, number=number, waited=waiting) is is_told


@given(told=units, waited=waits)
def test_selling_out_and_coming_back_always_matter(told: int, waited: timedelta) -> None:
    if told:
        assert is_worth_telling(THRESHOLD, told=told, number=0, waited=waited)
        assert is_worth_telling(THRESHOLD, told=0, number=told, waited=waited)


@given(told=units, number=units, waited=waits)
def test_a_channel_on_change_hears_all_and_one_on_full_runs_nothing(
    told: int, number: int, waited: timedelta
) -> None:
    assert is_worth_telling(Knobs(mode=Mode.CHANGE), told=told, number=number, waited=waited)
    assert not is_worth_telling(Knobs(mode=Mode.FULL), told=told, number=number, waited=waited)


@given(told=units, number=units)
def test_nothing_is_kept_back_for_longer_than_the_longest_wait(told: int, number: int) -> None:
    assert is_worth_telling(THRESHOLD, told=told, number=number, waited=timedelta(minutes=15))
