"""Which buttons does this person have on this case, and why is one of them grey?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.text import Truncator

from connectors.models import CodeMapping
from exceptions.forms import KEEPS
from exceptions.lifecycle import CaseState, allowed
from exceptions.models import ExceptionCase, Team
from exceptions.models.cases import WaitsFor
from exceptions.playbook import play_of
from exceptions.rows import person
from exceptions.services.proof import BY_PERSON
from exceptions.staff import colleagues_at
from inventory.models import SnapshotPart
from retailhub.kernel.roles import Ability, may

Field = dict[str, Any]


MAPPING_MISSING = "connectors.mapping_missing"


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
_WHY_ME: Field = {**_REASON, "placeholder": "On holiday until Monday"}
_HOW: Field = {
    "name": "how",
    "label": "How",
    "kind": "select",
    "value": "by hand",
    "options": list(BY_PERSON.items()),
}
_SNOOZE: Field = {
    "name": "minutes",
    "label": "For",
    "kind": "select",
    "value": "60",
    "options": [("60", "1 hour"), ("240", "4 hours"), ("960", "Until tomorrow")],
}


_TEXT: Field = {"name": "text", "label": "Note", "kind": "textarea", "required": True}
_ON_WHOM: Field = {
    "name": "on_whom",
    "label": "Who exactly",
    "kind": "text",
    "required": True,
    "placeholder": "The customer",
}
_WAITS_FOR: Field = {
    "name": "waits_for",
    "label": "For",
    "kind": "select",
    "value": WaitsFor.CUSTOMER.value,
    "options": WaitsFor.choices,
}


@dataclass(frozen=True)
class Offer:
    """A button that every case has in the states its verb allows."""

    verb: str
    label: str
    key: str
    fields: tuple[Field, ...] = ()
    hint: str = ""
    ability: Ability = Ability.WORK_CASES
    is_danger: bool = False


OFFERS = (
    Offer("note", "Note", "N", (_TEXT,)),
    Offer(
        "snooze",
        "Snooze",
        "S",
        (_SNOOZE,),
        "It hides no breach: it ends when the case is due.",
    ),
    Offer("wake", "Back to work", "S"),
    Offer(
        "wait",
        "Wait",
        "W",
        (_WAITS_FOR, _ON_WHOM),
        "The clock stands meanwhile, if the policy of this exception says so.",
    ),
    Offer(
        "resolve",
        "Resolve",
        "Shift+R",
        (_HOW, _REASON),
        "Closes it without a replay. What is done by hand or in the source is looked at soon:"
        " if it is not cured, the case opens again.",
    ),
    Offer(
        "ignore",
        "Ignore",
        "",
        (_REASON,),
        "A stopped message is set aside for good; it stays on record.",
        Ability.IGNORE_CASES,
        is_danger=True,
    ),
)


def buttons_of(case: ExceptionCase, *, user: Any) -> list[Button]:
    """The buttons in their order.

    What the role may never do is left out; what only now can't be done is grey.
    """
    if not may(user, Ability.WORK_CASES):
        return []
    state = CaseState(case.state)
    if state in {CaseState.RESOLVED, CaseState.IGNORED}:
        return [_button(case, "reopen", "Reopen", "O", primary=True)]
    offered = [_assign(case, user)] if may(user, Ability.ASSIGN_CASES) else []
    offered += [
        _offered(offer, case, user)
        for offer in OFFERS
        if may(user, offer.ability) and (offer.verb == "note" or allowed(offer.verb, state))
    ]
    first = [_replay(case), _claim(case, user), *offered]
    return [button for button in first if button is not None]


def _offered(offer: Offer, case: ExceptionCase, user: Any) -> Button:
    if offer.verb == "wait" and needs_a_lead(case, user):
        return _ask_for_mapping(case)
    return _button(
        case,
        offer.verb,
        offer.label,
        offer.key,
        fields=list(offer.fields),
        hint=offer.hint,
        danger=offer.is_danger,
    )


def needs_a_lead(case: ExceptionCase, user: Any) -> bool:
    """Whether a row is missing that this person may not save."""
    return case.code == MAPPING_MISSING and not may(user, Ability.EDIT_MAPPINGS)


def _ask_for_mapping(case: ExceptionCase) -> Button:
    table = dict(CodeMapping.Table.choices).get(case.context.get("table", ""), "code")
    asked = f"a lead, to map {table} “{case.context.get('external_code', '')}”"
    fields: list[Field] = [
        {**_ON_WHOM, "label": "Who, and what for", "value": Truncator(asked).chars(120)},
        {"name": "waits_for", "kind": "hidden", "value": WaitsFor.INSIDE.value},
    ]
    hint = "A lead finds it under Waiting. Once the row is saved it goes on by itself."
    return _button(
        case, "wait", "Ask for this mapping", "W", fields=fields, hint=hint, primary=True
    )


def _button(case: ExceptionCase, verb: str, label: str, key: str, **more: Any) -> Button:
    return Button(verb, label, key, reverse("case-act", args=[case.pk, verb]), **more)


def _replay(case: ExceptionCase) -> Button | None:
    run_id = case.context.get("snapshot_run_id")
    named = run_id or case.context.get("offer_id")
    if not (case.inbound_id or case.outbound_id or case.order_id or named):
        return None
    play = play_of(case.code)
    if not play.replay:
        return _button(case, "replay", "Replay", "R", disabled_reason=play.advice)
    if run_id and not SnapshotPart.objects.filter(run_id=run_id).exists():
        reason = "The file is not kept any more. Ask the sender for a new one."
        return _button(case, "replay", play.replay, "R", disabled_reason=reason)
    label = play.replay
    if case.state == CaseState.REPLAYING:
        return _button(
            case,
            "replay",
            "Replaying…",
            "R",
            disabled_reason="It is under way. The result shows here by itself.",
        )
    if _is_queued(case):
        label = "Queue replay"
    if case.code == MAPPING_MISSING:
        # The fix is the mapping; replaying without it would fail alike.
        return _button(case, "replay", label, "")
    return _button(case, "replay", label, "R", primary=True)


def _is_queued(case: ExceptionCase) -> bool:
    """What is taken again would wait for its connection."""
    return bool(case.connection and case.outbound_id and case.connection.takes_nothing)


def _assign(case: ExceptionCase, user: Any) -> Button | None:
    if not allowed("assign", CaseState(case.state)):
        return None
    names = Team.objects.order_by("name", "pk").values_list("pk", "name")
    teams = [(str(pk), name) for pk, name in names]
    people = [("", "Nobody yet"), *colleagues_at(case, user)]
    fields: list[Field] = [
        _select("team", "Team", teams, str(case.team_id or "")),
        _select("person", "Person", people, str(case.owner_id or "")),
        _select("keep", "Keep it there", list(KEEPS), KEEPS[0][0]),
    ]
    hint = "It is new to whoever gets it, until they claim it."
    return _button(case, "assign", "Assign", "A", fields=fields, hint=hint)


def _select(name: str, label: str, options: list[tuple[str, str]], value: str) -> Field:
    return {"name": name, "label": label, "kind": "select", "options": options, "value": value}


def _claim(case: ExceptionCase, user: Any) -> Button:
    if case.owner_id == user.pk and case.state == CaseState.CLAIMED:
        return _button(case, "release", "Release", "C")
    if case.owner is None or case.owner_id == user.pk:
        return _button(case, "claim", "Claim", "C")
    owner = person(case.owner)
    hint = f"{owner} reads your reason in the activity of this case."
    label = f"Take over from {owner}"
    return _button(case, "take_over", label, "C", fields=[_WHY_ME], hint=hint)
