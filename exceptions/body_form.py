"""The form over a message's body: what may be changed by whom, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.systems.editing import (
    editable_fields,
    field_path,
    is_money,
    is_of_people,
    root_of,
)
from retailhub.kernel.changes import (
    MISSING,
    Change,
    PatchFails,
    changes,
    dotted,
    patch_of,
    patched,
    value_at,
)
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json, write_json
from retailhub.kernel.roles import Ability, may

LARGEST = 1_000_000
# what changes -> who may, and what a person is told who may not
_LOCKS = (
    (Ability.EDIT_MONEY, "Money fields need the lead role."),
    (Ability.EDIT_ADDRESS, "Addresses need the agent role."),
    (Ability.EDIT_PAYLOAD, "Other fields need the lead role."),
)


@dataclass(frozen=True)
class Row:
    """One field of the form."""

    name: str
    label: str
    value: str
    error: str = ""


@dataclass
class BodyForm:
    """A body being corrected, from the version it began with."""

    system: str
    began_with: Any
    user: Any
    posted: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    error_path: str = ""

    def __post_init__(self) -> None:
        self.root = root_of(self.began_with)
        self.value = self._value() if self.posted else self.began_with

    @property
    def may_edit_json(self) -> bool:
        """True for those who may change more than a form offers."""
        return may(self.user, Ability.EDIT_PAYLOAD)

    def _value(self) -> Any:
        """The JSON as it was typed, and on top of it what was changed in the fields."""
        value = self.began_with
        typed = self.posted.get("body", "")
        if self.may_edit_json and typed.strip():
            try:
                value = read_json(typed[:LARGEST].encode())
            except NeedsOperator as error:
                self.refuse(error)
        return patched(value, patch_of(self._changed_fields(value)))

    def _changed_fields(self, value: Any) -> list[Change]:
        found = []
        for name, path, now in self._places():
            posted = self.posted.get(name)
            if posted is None or posted.strip() == _text(now):
                continue
            new = posted.strip() or (None if now in {None, MISSING} else "")
            if value_at(value, path[:-1]) is not MISSING:
                found.append(Change(path, value_at(value, path), new))
        return found

    def _places(self) -> list[tuple[str, tuple[str | int, ...], Any]]:
        """Fields whose object is there: (name, path, value it began with)."""
        found = []
        for one in editable_fields(self.system):
            path = field_path(one, self.root)
            if isinstance(value_at(self.began_with, path[:-1]), dict):
                found.append((f"field:{one.path}", path, value_at(self.began_with, path)))
        return found

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The fields by what they are about."""
        labels = {f"field:{one.path}": one for one in editable_fields(self.system)}
        groups: dict[str, list[Row]] = {}
        for name, path, _ in self._places():
            one = labels[name]
            shown = self.posted.get(name, _text(value_at(self.value, path)))
            wrong = self.error if self.error_path and dotted(path).endswith(self.error_path) else ""
            groups.setdefault(one.group, []).append(Row(name, one.label, shown, wrong))
        return list(groups.items())

    @property
    def json(self) -> str:
        """The whole body, to be changed as text."""
        if self.error and not self.error_path and self.posted.get("body"):
            return self.posted["body"]
        return write_json(self.value, indent=2)

    def refuse(self, error: NeedsOperator) -> None:
        """Show why it can't be read, at the field if it is one of the form's."""
        self.error, self.error_path = str(error), str(error.context.get("field", ""))

    @property
    def changes(self) -> list[Change]:
        """What is different from the version it began with."""
        return list(changes(self.began_with, self.value))

    def check_rights(self) -> None:
        """Pass what this person may change. Otherwise `error` says which field needs whom."""
        for change in self.changes:
            ability, told = self._lock_of(change)
            if not may(self.user, ability):
                self.error, self.error_path = f"{told} {change.where} was not changed.", ""
                return

    def _lock_of(self, change: Change) -> tuple[Ability, str]:
        if is_money(change):
            return _LOCKS[0]
        return _LOCKS[1] if is_of_people(change, self.root) else _LOCKS[2]

    @property
    def body(self) -> bytes:
        """What would be stored."""
        return write_json(self.value, indent=2).encode()


def rows_of(differences: Sequence[Change]) -> list[dict[str, str]]:
    """Changes as lines of a table: where, before, after."""
    return [
        {"where": one.where, "before": shown(one.before), "after": shown(one.after)}
        for one in differences
    ]


def three_ways(base: Any, theirs: Any, mine: Any) -> list[dict[str, Any]]:
    """Every place that either side changed: as it was, theirs, mine; and where both did."""
    by_place: dict[str, dict[str, Any]] = {}
    for side, other in (("theirs", theirs), ("mine", mine)):
        for one in changes(base, other):
            row = by_place.setdefault(one.where, {"where": one.where, "before": shown(one.before)})
            row[side] = shown(one.after)
    for row in by_place.values():
        row["clash"] = row.get("theirs") != row.get("mine") and "theirs" in row and "mine" in row
    return [by_place[where] for where in sorted(by_place)]


def on_top(theirs: Any, mine: BodyForm) -> Any:
    """Theirs with these changes; these alone where theirs has another shape."""
    try:
        return patched(theirs, patch_of(mine.changes))
    except PatchFails:
        return mine.value


def shown(value: Any) -> str:
    """A value in a table; what is not there is a dash."""
    if value is MISSING:
        return "–"
    return value if isinstance(value, str) else write_json(value)


def _text(value: Any) -> str:
    return "" if value is MISSING or value is None else shown(value)
