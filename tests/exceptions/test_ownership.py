"""Which team has it: the last matching row, and the same facts always give the same team."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Connection
from exceptions.models import OwnershipRule, Team
from exceptions.services.ownership import choose, team_for

TEAMS = [Team(pk=n, slug=f"t{n}", name=f"Team {n}") for n in range(3)]
CODES = ["connectors.mapping_missing", "connectors.rejected", "inventory.overdrawn", "orders.x"]
PREFIXES = ["", "connectors.", "connectors.mapping_missing", "inventory.", "orders.x.y"]


def rule(connection_id: int | None, prefix: str, team: Team) -> OwnershipRule:
    row = OwnershipRule(code_prefix=prefix, team=team, position=1)
    row.connection_id = connection_id
    return row


rules = st.lists(
    st.builds(
        rule,
        st.sampled_from([None, None, 1, 2]),
        st.sampled_from(PREFIXES),
        st.sampled_from(TEAMS),
    ),
    max_size=8,
)


@pytest.fixture(autouse=True)
def _no_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnershipRule, "__str__", lambda self: f"{self.code_prefix}")


@given(rules, st.sampled_from([None, 1, 2, 3]), st.sampled_from(CODES))
def test_the_last_row_that_matches_decides(
    table: list[OwnershipRule], connection_id: int | None, code: str
) -> None:
    matching = [
        row
        for row in table
        if row.connection_id in {None, connection_id} and code.startswith(row.code_prefix)
    ]

    chosen = choose(table, connection_id=connection_id, code=code)

    assert chosen.team == (matching[-1].team if matching else None)
    assert choose(table, connection_id=connection_id, code=code) == chosen


def test_a_row_of_another_connection_never_decides_for_a_case_without_one() -> None:
    assert choose([rule(1, "", TEAMS[0])], connection_id=None, code="x").team is None


def test_reads_the_table_in_its_order_and_leaves_out_what_is_switched_off(
    shop: Connection, erp: Connection
) -> None:
    teams = {slug: Team.objects.create(slug=slug, name=slug.title()) for slug in "abc"}
    OwnershipRule.objects.create(position=30, connection=erp, team=teams["c"])
    OwnershipRule.objects.create(position=10, team=teams["a"])
    OwnershipRule.objects.create(position=20, code_prefix="inventory.", team=teams["b"])
    OwnershipRule.objects.create(position=99, team=teams["c"], is_active=False)

    def team(connection: Connection, code: str) -> Team | None:
        return team_for(connection_id=connection.pk, code=code).team

    assert team(shop, "connectors.rejected") == teams["a"]
    assert team(shop, "inventory.overdrawn") == teams["b"]
    assert team(erp, "inventory.overdrawn") == teams["c"]
