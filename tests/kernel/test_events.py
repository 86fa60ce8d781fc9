"""A fact reaches everybody in the table, in its order, now; one that is not in it is an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass

import pytest

from retailhub import wiring
from retailhub.kernel.events import Event, UnwiredEvent, publish, wire


@dataclass(frozen=True, kw_only=True)
class MugDropped(Event):
    mug_id: int


@pytest.fixture(autouse=True)
def _rewire() -> Iterator[None]:
    yield
    wiring.install()


def test_a_fact_without_a_row_raises() -> None:
    with pytest.raises(UnwiredEvent, match=r"^MugDropped has no row in "):
        publish(MugDropped(mug_id=1))


def test_subscribers_hear_of_it_in_the_order_of_the_table() -> None:
    heard: list[str] = []
    wire(
        {
            MugDropped: (
                lambda fact: heard.append(f"sweep {fact.mug_id}"),
                lambda fact: heard.append(f"reorder {fact.mug_id}"),
            )
        }
    )

    publish(MugDropped(mug_id=7))

    assert heard == ["sweep 7", "reorder 7"]


def test_an_error_of_a_subscriber_reaches_the_publisher() -> None:
    heard: list[str] = []

    def fail(_: MugDropped) -> None:
        raise ZeroDivisionError

    wire({MugDropped: (fail, lambda _: heard.append("never"))})

    with pytest.raises(ZeroDivisionError):
        publish(MugDropped(mug_id=1))
    assert heard == []


def test_wiring_again_replaces_the_table() -> None:
    wire({MugDropped: ()})
    wire({})

    with pytest.raises(UnwiredEvent):
        publish(MugDropped(mug_id=1))


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        MugDropped(mug_id=1).mug_id = 2  # type: ignore[misc]
