"""The shape of the house: what no single test sees, and every reader would stumble over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from connectors.lifecycle import INBOUND_NEXT, OUTBOUND_NEXT, InboundState, OutboundState
from exceptions.lifecycle import VERBS, CaseState
from exceptions.playbook import PLAYBOOK
from orders.lifecycle import CUSTOMER_STATUS, NEXT, OrderState
from orders.services.lines import QUIET_HOLDS
from retailhub.kernel.errors import HubError, NeedsOperator, OutcomeUnknown, RetryLater
from retailhub.kernel.events import Event
from retailhub.wiring import WIRING

ROOT = Path(__file__).resolve().parents[2]
APPS = ("retailhub", "inventory", "orders", "connectors", "exceptions")
LONGEST_FILE, LONGEST_FUNCTION = 300, 40


def sources() -> Iterator[Path]:
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path


def subclasses(of: type[Any]) -> set[type[Any]]:
    direct: set[type[Any]] = set(of.__subclasses__())
    return direct.union(*(subclasses(child) for child in direct))


def test_every_fact_has_a_row_in_the_wiring_table() -> None:
    facts = {fact for fact in subclasses(Event) if fact.__module__.split(".")[0] in APPS}
    assert facts == set(WIRING)


def test_every_row_of_the_wiring_table_reaches_somebody() -> None:
    deaf = [fact.__name__ for fact, subscribers in WIRING.items() if not subscribers]
    assert deaf == []


def test_every_error_code_has_a_row_in_the_playbook() -> None:
    roots = {HubError, RetryLater, NeedsOperator, OutcomeUnknown}
    ours = [c for c in subclasses(HubError) - roots if c.__module__.split(".")[0] in APPS]
    # The desk's own refusals are answers to a click, never cases.
    codes = {c.code for c in ours if not c.__module__.startswith("exceptions.")}
    assert codes - set(PLAYBOOK) - QUIET_HOLDS == set()


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []
    assert text.count("\n") <= LONGEST_FILE


def models() -> list[type[Model]]:
    return [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if not model.__name__.startswith("Historical")
    ]


def test_constraints_and_indexes_are_named_for_their_app() -> None:
    names = [
        (model._meta.app_label, entry.name)
        for model in models()
        for entry in [*model._meta.constraints, *model._meta.indexes]
    ]
    assert [name for app, name in names if not name.startswith(f"{app}_")] == []
    assert max(len(name) for _, name in names) <= 63


def test_no_model_sorts_behind_the_readers_back() -> None:
    assert [model.__name__ for model in models() if model._meta.ordering] == []


def test_lifecycle_tables_cover_every_state() -> None:
    assert set(INBOUND_NEXT) == set(InboundState)
    assert set(OUTBOUND_NEXT) == set(OutboundState)
    assert set(NEXT) == set(CUSTOMER_STATUS) == set(OrderState)
    reachable = {to for _, to in VERBS.values()}
    assert reachable == set(CaseState)


def test_templates_carry_no_script_style_or_foreign_address() -> None:
    bad = re.compile(r"<script>|\bstyle=\"|hx-on|javascript:|https?://(?!www\.w3\.org)")
    hits = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in (ROOT / "templates").rglob("*.html")
        for found in [bad.search(path.read_text())]
        if found
    ]
    assert hits == []
