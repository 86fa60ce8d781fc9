"""A heartbeat among what is awaited."""

from __future__ import annotations

import pytest

from exceptions.expected import EXPECTED
from exceptions.play import Play
from exceptions.playbook import PLAYBOOK
from exceptions.services import expectations
from tests.exceptions.expectations.awaited import SHIPS


@pytest.fixture
def beat(db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A heartbeat: a node that must report."""
    row = EXPECTED[SHIPS]
    recurring = type(row)(
        title="Nothing heard from {subject} for {span}",
        label="{subject} reports",
        opened_by="A node is switched on",
        met_by="The node reports",
        minutes=30,
        is_recurring=True,
    )
    monkeypatch.setitem(EXPECTED, "robot_reports", recurring)
    monkeypatch.setitem(PLAYBOOK, "expectations.robot_reports", Play("{sentence}", "?", "Call."))
    expectations.seed_templates()
    return "robot_reports"
