"""Everything a person needs to decide about one case, in the order they need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from connectors.masking import masked_body, masked_json
from connectors.models import InboundMessage
from connectors.services.correct import is_correctable
from exceptions.activity import LINES, activity_of, is_taken_back, line_of
from exceptions.attempts import attempts_of
from exceptions.buttons import Button, buttons_of, needs_a_lead
from exceptions.candidates import MappingForm, mapping_form_of
from exceptions.expected import is_expectation
from exceptions.foresee import Foreseen, foresee
from exceptions.history import Before, before_of
from exceptions.late import lag_facts
from exceptions.models import CaseEvent, Cause, ExceptionCase
from exceptions.outages import Banner, Outage, banner_for, outage_of, probe_fact
from exceptions.playbook import play_of
from exceptions.presence import Company, company_at
from exceptions.rows import (
    SEVERITIES,
    Sla,
    StateWord,
    badges_of,
    clock_facts,
    money_text,
    person,
    proof_fact,
    sla_of,
    state_word,
)
from exceptions.services.acts import UNDOABLE
from exceptions.walk import Strip, Walk, strip_of
from exceptions.why import Why, why_of
from retailhub.kernel.roles import Ability, may

ASK_A_LEAD = (
    "A lead chooses what it means to us. Claim it, then press Ask for this mapping. Everything that"
    " waits for this row is replayed with it."
)


@dataclass
class CaseHead:
    """The case itself, as the pane's header shows it."""

    id: int
    version: int
    title: str
    detail: str
    state: StateWord
    badges: tuple[StateWord, ...]
    severity: str
    sla: Sla | None
    team: str
    owner: str
    code: str
    order_number: str
    order_url: str
    connection: str
    connection_url: str
    value: str
    href: str


@dataclass
class CasePane:
    """The whole pane. Field by field what `exceptions/case_detail.html` asks for."""

    case: CaseHead
    headline: str
    sentence: str
    advice: dict[str, str]
    facts: list[tuple[str, str, bool]]
    references: list[tuple[str, str]]
    attempts: list[dict[str, Any]]
    activity: list[dict[str, Any]]
    actions: list[Button]
    why: Why | None = None
    mapping_form: MappingForm | None = None
    raw: dict[str, Any] | None = None
    effect_key: str = ""
    effect_warning: bool = False
    effects: list[Foreseen] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    next_attempt: str = ""
    undo: dict[str, str] | None = None
    notice: dict[str, str] | None = None
    then: str = ""
    strip: Strip | None = None
    before: Before | None = None
    cause: Cause | None = None
    back_href: str = "/queue/"
    viewers: Company = field(default_factory=Company)
    fix: None = None
    errors: list[str] = field(default_factory=list)
    banner: Banner | None = None
    outage: Outage | None = None


def pane_of(case: ExceptionCase, *, user: Any, now: datetime, walk: Walk | None = None) -> CasePane:
    """The pane of a case for `user`: buttons they may never press are not in it."""
    play, sentence = play_of(case.code), _sentence(case)
    may_map = may(user, Ability.EDIT_MAPPINGS)
    events = activity_of(case)
    company = company_at(case.pk, user=user, now=now)
    effects = foresee(case)
    key, is_warning = safety_line(case, effects)
    return CasePane(
        case=head_of(case, now),
        headline=case.detail or case.title,
        sentence=sentence,
        advice={
            # Said once: a case without an order has it under its title.
            "happened": "" if sentence == play.consequence else play.consequence,
            "todo": ASK_A_LEAD if needs_a_lead(case, user) else play.advice,
        },
        before=before_of(case),
        cause=case.cause.merged_into or case.cause,
        facts=_facts(case, now),
        references=_references(case),
        attempts=attempts_of(case),
        activity=[line_of(event) for event in events],
        actions=buttons_of(case, user=user),
        why=why_of(case),
        mapping_form=mapping_form_of(case) if may_map else None,
        raw=_raw(case),
        effect_key=key,
        effect_warning=is_warning,
        effects=effects,
        links=_links(case, user, is_edited=company.is_edited),
        viewers=company,
        next_attempt=_next_attempt(case),
        undo=undo_of(events),
        then=walk.query if walk else "",
        strip=strip_of(walk, case.pk, user=user, now=now) if walk else None,
        back_href=walk.stop_url if walk else reverse("queue"),
        banner=banner_for(case),
        outage=outage_of(case),
    )


def head_of(case: ExceptionCase, now: datetime) -> CaseHead:
    """The header."""
    return CaseHead(
        id=case.pk,
        version=case.version,
        title=case.title,
        detail=case.detail,
        state=state_word(case),
        badges=badges_of(case),
        severity=SEVERITIES[case.severity],
        sla=sla_of(case, now),
        team=case.team.name if case.team else "Nobody",
        owner=person(case.owner) if case.owner else "",
        code=case.code,
        order_number=case.order_number,
        order_url=reverse("order", args=[case.order_id]) if case.order_id else "",
        connection=case.connection.name if case.connection else "",
        connection_url=reverse("connection", args=[case.connection.slug])
        if case.connection
        else "",
        value=money_text(case),
        href=reverse("case", args=[case.pk]),
    )


def _sentence(case: ExceptionCase) -> str:
    if is_expectation(case.code) and case.value is not None:
        return f"Order {case.order_number} is worth {money_text(case)}."
    if is_expectation(case.code):
        return play_of(case.code).consequence
    if case.order_number and case.value is not None:
        where = "is held" if case.order_id else "is not on record yet"
        return f"Order {case.order_number} {where}. It is worth {money_text(case)}."
    if case.order_number:
        return f"Order {case.order_number} waits for it."
    return play_of(case.code).consequence


def _facts(case: ExceptionCase, now: datetime) -> list[tuple[str, str, bool]]:
    facts = [
        ("Team", case.team.name if case.team else "Nobody", not case.team),
        ("Opened", f"{timezone.localtime(case.opened_at):%d %b %H:%M}", False),
    ]
    facts += probe_fact(case) + lag_facts(case, now) + clock_facts(case, now) + proof_fact(case)
    if case.failed_again:
        facts.append(("Failed again", f"{case.failed_again} ×", True))
    return facts


def _references(case: ExceptionCase) -> list[tuple[str, str]]:
    """What one gives to a developer or types into the search box."""
    references = [("Code", case.code)]
    if case.trace_id:
        references.append(("Trace", str(case.trace_id)))
    if case.inbound is not None:
        row = case.inbound
        references.append(("Message", f"{row.topic} · {row.key} · {row.state.lower()}"))
        rules = row.corrections.order_by("rule_id").values_list("rule_id", flat=True)
        references += [("Corrected by", f"rule {rule_id}") for rule_id in rules]
    if case.outbound is not None:
        row_out = case.outbound
        references.append(("Effect", f"{row_out.effect_key} · {row_out.state.lower()}"))
    return references


def undo_of(events: Sequence[CaseEvent]) -> dict[str, str] | None:
    """The newest act, if it can be taken back; `events` are the newest first."""
    for event in events:
        if event.verb == "undo" or (event.verb in UNDOABLE and is_taken_back(event)):
            return None
        if event.verb in UNDOABLE:
            text = f"{LINES[event.verb][2]} by {person(event.actor) or 'the clock'}."
            return {"text": text, "url": reverse("case-undo", args=[event.case_id, event.pk])}
        if event.verb in {"replay", "failed again", "resolved", "not cured"}:
            return None
    return None


def _raw(case: ExceptionCase) -> dict[str, Any] | None:
    if case.inbound is not None:
        return {"text": masked_body(case.inbound.current_body), "versions": _versions(case.inbound)}
    if case.outbound is not None:
        return {"text": masked_json(case.outbound.payload), "versions": []}
    return None


def _versions(message: InboundMessage) -> list[dict[str, Any]]:
    """Which versions there are; the newest counts."""
    numbers = list(message.versions.order_by("number").values_list("number", flat=True))
    if not numbers:
        return []
    labels = ["Version 1 (original)", *(f"Version {number}" for number in numbers)]
    return [{"label": label, "current": label == labels[-1]} for label in labels]


def _next_attempt(case: ExceptionCase) -> str:
    row = case.outbound
    if row is not None and row.state in {"READY", "UNKNOWN"}:
        return f"Next automatic try {timezone.localtime(row.next_attempt_at):%H:%M:%S}"
    return ""


def safety_line(case: ExceptionCase, effects: Sequence[Foreseen]) -> tuple[str, bool]:
    """What a replay will do to the other systems, in one sentence; True when it must look first."""
    if is_expectation(case.code):
        return "Asks for what is owed, each effect under its own key: none is there twice.", False
    if case.outbound is not None:
        return effects[0].text, effects[0].verb == "look up"
    if case.inbound is None and case.order is None:
        return "", False
    done = sum(one.verb == "nothing" for one in effects)
    taken = (
        "Takes the message again" if case.inbound is not None else "Takes the order's step again"
    )
    known = f" {done} of its {len(effects)} effects are there or on their way." if effects else ""
    return f"{taken} with current mappings. What was applied is not applied twice.{known}", False


def _links(case: ExceptionCase, user: Any, *, is_edited: bool) -> list[dict[str, str]]:
    """Pages that belong to the case: edit its message, try what a replay would do."""
    if case.inbound_id is None or case.closed_at is not None or case.state == "REPLAYING":
        return []
    links = []
    system = case.connection.system if case.connection else ""
    if may(user, Ability.EDIT_ADDRESS) and is_correctable(system):
        label = "Edit anyway" if is_edited else "Edit message"
        links.append((label, "E", reverse("case-edit", args=[case.pk])))
    if may(user, Ability.WORK_CASES):
        links.append(("Try", "", reverse("case-try", args=[case.pk])))
    return [{"label": label, "key": key, "href": href} for label, key, href in links]
