"""Which state follows which: every pair, legal or not."""

from __future__ import annotations

from itertools import product

import pytest

from orders.lifecycle import (
    CUSTOMER_STATUS,
    NEXT,
    PROGRESS,
    IllegalTransition,
    OrderState,
    check_transition,
    is_late,
    overall,
)

S = OrderState
# The whole diagram again, written by hand: a change has to be made twice, on purpose.
LEGAL = {
    S.ACCEPTED: {S.RESERVED, S.CANCELLED},
    S.RESERVED: {S.ALLOCATED, S.ACCEPTED, S.CANCELLED},
    S.ALLOCATED: {S.PICKED, S.PACKED, S.SHIPPED, S.DELIVERED, S.ACCEPTED, S.CANCELLED},
    S.PICKED: {S.PACKED, S.SHIPPED, S.DELIVERED, S.ALLOCATED, S.ACCEPTED, S.CANCELLED},
    S.PACKED: {S.SHIPPED, S.DELIVERED, S.ALLOCATED, S.ACCEPTED, S.CANCELLED},
    S.SHIPPED: {S.DELIVERED, S.RETURNED},
    S.DELIVERED: {S.RECONCILED, S.RETURNED},
    S.RETURNED: {S.RECONCILED},
    S.RECONCILED: set(),
    S.CANCELLED: set(),
}


@pytest.mark.parametrize(("current", "following"), list(product(S, S)))
def test_every_move_is_legal_or_refused(current: OrderState, following: OrderState) -> None:
    if following in LEGAL[current]:
        check_transition(current, following)
        return
    with pytest.raises(IllegalTransition, match=f"^{current} can't become {following}$"):
        check_transition(current, following)


def test_every_state_has_a_row_and_a_word_for_the_customer() -> None:
    assert set(NEXT) == set(S)
    assert set(CUSTOMER_STATUS) == set(S)


def test_what_has_left_never_comes_back_by_itself() -> None:
    assert S.CANCELLED not in NEXT[S.SHIPPED] | NEXT[S.DELIVERED]


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ([], None),
        ([S.SHIPPED], S.SHIPPED),
        ([S.DELIVERED, S.ALLOCATED], S.ALLOCATED),
        ([S.PACKED, S.PICKED, S.SHIPPED], S.PICKED),
    ],
)
def test_the_least_advanced_part_decides(parts: list[OrderState], state: OrderState | None) -> None:
    assert overall(parts) == state


def test_news_is_late_when_the_part_has_come_as_far() -> None:
    for current, heard in product(PROGRESS, PROGRESS):
        assert is_late(current, heard) == (PROGRESS.index(heard) <= PROGRESS.index(current))
