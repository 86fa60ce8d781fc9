"""Which buttons does this person have on this case, and why is one of them grey?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from exceptions.lifecycle import CaseState, allowed
from exceptions.models import ExceptionCase
from exceptions.playbook import play_of
from retailhub.kernel.roles import Ability, may

Field = dict[str, Any]


@dataclass
class Button:
    """One thing to press; with `fields` it asks first, with `disabled_reason` it says why not."""

    verb: str
    label: str
    key: str
    url: str
    primary: bool = False
    danger: bool = False
    disabled_reason: str = ""
    hint: str = ""
    request_key: str = ""
    icon: str = ""
    fields: list[Field] = field(default_factory=list)


_REASON: Field = {
    "name": "reason",
    "label": "Reason",
    "kind": "textarea",
    "required": True,
    "placeholder": "Corrected by hand in NetSuite",
}
_SNOOZE: Field = {
    "name": "minutes",
    "label": "For",
    "kind": "select",
    "value": "60",
    "options": [("60", "1 hour"), ("240", "4 hours"), ("960", "Until tomorrow")],
}


def buttons_of(case: ExceptionCase, *, user: Any) -> list[Button]:
    """The buttons in their order.

    What the role may never do is left out; what only now can't be done is grey.
    """
    if not may(user, Ability.WORK_CASES):
        return []
    state = CaseState(case.state)
    if state in {CaseState.RESOLVED, CaseState.IGNORED}:
        return [_button(case, "reopen", "Reopen", "O", primary=True)]
    buttons = [_replay(case), _claim(case, user)]
    buttons.append(
        _button(
            case,
            "note",
            "Note",
            "N",
            fields=[{"name": "text", "label": "Note", "kind": "textarea", "required": True}],
        )
    )
    if allowed("snooze", state):
        buttons.append(
            _button(
                case,
                "snooze",
                "Snooze",
                "S",
                fields=[_SNOOZE],
                hint="A snooze never hides a breach: it ends when the case is due.",
            )
        )
    if state in {CaseState.SNOOZED, CaseState.WAITING}:
        buttons.append(_button(case, "wake", "Back to work", "S"))
    if allowed("wait", state):
        buttons.append(
            _button(
                case,
                "wait",
                "Wait",
                "W",
                fields=[
                    {
                        "name": "on_whom",
                        "label": "On whom",
                        "kind": "text",
                        "required": True,
                        "placeholder": "The customer",
                    }
                ],
            )
        )
    buttons.append(
        _button(
            case,
            "resolve",
            "Resolve",
            "Shift+R",
            fields=[_REASON],
            hint="Closes it without a replay. An effect that stopped counts as done by hand.",
        )
    )
    if may(user, Ability.IGNORE_CASES) and allowed("ignore", state):
        buttons.append(
            _button(
                case,
                "ignore",
                "Ignore",
                "",
                danger=True,
                fields=[_REASON],
                hint="A stopped message is set aside for good; it stays on record.",
            )
        )
    return [button for button in buttons if button is not None]


def _button(case: ExceptionCase, verb: str, label: str, key: str, **more: Any) -> Button:
    return Button(verb, label, key, reverse("case-act", args=[case.pk, verb]), **more)


def _replay(case: ExceptionCase) -> Button | None:
    if not (case.inbound_id or case.outbound_id or case.order_id):
        return None
    label = play_of(case.code).replay
    if case.state == CaseState.REPLAYING:
        return _button(
            case,
            "replay",
            "Replaying…",
            "R",
            disabled_reason="It is under way. The result shows here by itself.",
        )
    if case.connection is not None and case.outbound_id and case.connection.outbound_paused_at:
        label = "Queue replay"
    if case.code == "connectors.mapping_missing":
        # The fix is the mapping; replaying without it would fail alike.
        return _button(case, "replay", label, "")
    return _button(case, "replay", label, "R", primary=True)


def _claim(case: ExceptionCase, user: Any) -> Button:
    if case.owner_id == user.pk and case.state == CaseState.CLAIMED:
        return _button(case, "release", "Release", "C")
    owner = case.owner.get_short_name() if case.owner else ""
    label = f"Take over from {owner}" if owner else "Claim"
    return _button(case, "claim", label, "C")
