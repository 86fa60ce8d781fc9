"""Who may press what? One table of roles and abilities, used by pages, API and admin alike."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """A Django group of the same name."""

    AGENT = "agent"
    LEAD = "lead"
    OPS = "ops"
    ADMIN = "admin"


class Ability(StrEnum):
    """Something a page offers."""

    WORK_CASES = "work cases"  # claim, release, note, snooze, wait, resolve, replay, undo
    IGNORE_CASES = "ignore cases"
    REPLAY_MANY = "replay many"
    EDIT_MAPPINGS = "edit mappings"
    SHAPE_CAUSES = "shape causes"  # merge them, split them, take it back
    ASSIGN_CASES = "assign cases"  # to another team or person
    EDIT_OWNERSHIP = "edit ownership"  # rules, absences; applying moves cases of every team
    EDIT_ADDRESS = "edit address"  # addresses and how to reach somebody, in a message
    EDIT_PAYLOAD = "edit payload"  # everything else in it but money
    EDIT_MONEY = "edit money"  # amounts, and what they are paid for
    MAKE_RULES = "make rules"  # correct messages to come
    PAUSE_CONNECTIONS = "pause connections"
    TEST_CONNECTIONS = "test connections"
    PUSH_STOCK = "push stock"  # tell a channel again, ask a node to count
    PAUSE_STOCK = "pause stock"  # stop telling a channel about an item
    EDIT_RULES = "edit rules"  # of what may be sold
    SEE_EVERYTHING = "see everything"  # every team's connections
    EXPORT_AUDIT = "export audit"
    ERASE_TEXT = "erase text"  # of an act, where the law asks for it


_AGENT = frozenset({Ability.WORK_CASES, Ability.EDIT_ADDRESS, Ability.PUSH_STOCK})
_LEAD = _AGENT | {
    Ability.IGNORE_CASES,
    Ability.REPLAY_MANY,
    Ability.EDIT_MAPPINGS,
    Ability.SHAPE_CAUSES,
    Ability.EDIT_PAYLOAD,
    Ability.ASSIGN_CASES,
    Ability.EDIT_OWNERSHIP,
    Ability.EDIT_MONEY,
    Ability.MAKE_RULES,
    Ability.PAUSE_STOCK,
}
_OPS = _LEAD | {
    Ability.PAUSE_CONNECTIONS,
    Ability.TEST_CONNECTIONS,
    Ability.EDIT_RULES,
    Ability.SEE_EVERYTHING,
    Ability.EXPORT_AUDIT,
}

ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.AGENT: _AGENT,
    Role.LEAD: _LEAD,
    Role.OPS: _OPS,
    Role.ADMIN: frozenset(Ability),
}


def abilities_of(user: Any) -> frozenset[Ability]:
    """Everything `user` may do. Nothing, for nobody."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Ability)
    cached: frozenset[Ability] | None = getattr(user, "_abilities", None)
    if cached is None:
        names = set(user.groups.values_list("name", flat=True))
        granted = (ABILITIES[role] for role in Role if role.value in names)
        cached = frozenset().union(*granted)
        user._abilities = cached
    return cached


def may(user: Any, ability: Ability) -> bool:
    """True when `user` has `ability`."""
    return ability in abilities_of(user)
