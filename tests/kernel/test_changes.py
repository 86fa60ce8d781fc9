"""Differences and patches: what is made from a difference makes exactly that difference."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailhub.kernel.changes import (
    MISSING,
    Change,
    PatchFails,
    changes,
    dotted,
    parsed,
    patch_of,
    patched,
    pointer,
    value_at,
)
from retailhub.kernel.json import read_json, write_json

names = st.text(alphabet="abc/~é", min_size=1, max_size=3)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.decimals(-1000, 1000, places=2)
    | st.text(alphabet='ab1é"\\\n', max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(names, values, max_size=4)


@given(documents, documents)
def test_the_patch_of_a_difference_makes_it(before: Any, after: Any) -> None:
    kept = write_json(before)
    assert patched(before, patch_of(list(changes(before, after)))) == after
    assert write_json(before) == kept, "what it began with was changed"


@given(documents)
def test_nothing_differs_from_itself_and_json_keeps_every_digit(document: Any) -> None:
    assert list(changes(document, document)) == []
    for indent in (0, 2):
        again = read_json(write_json(document, indent=indent).encode())
        assert write_json(again) == write_json(document)


def test_true_is_not_one_and_text_is_no_number() -> None:
    found = list(changes({"a": True, "b": "1"}, {"a": 1, "b": 1}))
    assert [one.where for one in found] == ["a", "b"]


def test_places_read_as_in_error_messages() -> None:
    (one,) = changes({"lines": [{"price": Decimal("1.0")}]}, {"lines": [{"price": Decimal("2")}]})
    assert one.where == "lines[0].price"
    assert parsed("lines[0].price") == one.path == ("lines", 0, "price")
    assert pointer(("a/b", "c~d", 0)) == "/a~1b/c~0d/0"
    assert dotted(()) == ""
    assert value_at({"a": [1]}, ("a", 1)) is MISSING
    assert value_at({"a": None}, ("a",)) is None


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "remove", "path": "/a/0"},
        {"op": "test", "path": "/a", "value": "y"},
        {"op": "add", "path": "", "value": {}},
        {"op": "replace", "path": "/a/b/c", "value": 1},
    ],
)
def test_a_patch_for_another_shape_fails_and_changes_nothing(patch: Any) -> None:
    document = {"a": "x"}
    with pytest.raises(PatchFails):
        patched(document, [patch])
    assert document == {"a": "x"}


def test_several_taken_from_a_list_go_last_first() -> None:
    found = list(changes([1, 2, 3], [1]))
    assert found == [Change((1,), 2, MISSING), Change((2,), 3, MISSING)]
    assert patched([1, 2, 3], patch_of(found)) == [1]
