"""What people do to a case, done by a program for one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.services.api_keys import Scope
from exceptions.errors import NothingToUndo
from exceptions.models import Team
from exceptions.models.cases import WaitsFor
from exceptions.selectors import visible_cases, workers
from exceptions.services import acts
from exceptions.services.act_for import Asked, act_for
from exceptions.services.assign import Choice, assign_case
from exceptions.services.proof import BY_PERSON
from retailhub.api import intake
from retailhub.api.authentication import needs
from retailhub.api.cases import CaseSummary, case_of, cases_of
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.problems import Problem
from retailhub.api.reservations import IDEMPOTENCY_KEY
from retailhub.api.view import HubView
from retailhub.kernel.roles import Ability, may

Said = Mapping[str, Any]
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `version` you saw, as “7”. With another one there is 409 and nothing changes.",
)


@extend_schema_serializer(component_name="CaseAct")
class ActShape(serializers.Serializer[Any]):
    """Who does it, and what the act asks for. Acts leave out what they do not need."""

    by = serializers.CharField(
        max_length=150, help_text="Username of the person it is done for: their rights count."
    )
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="What you saw; the same as If-Match."
    )
    reason = serializers.CharField(
        required=False, max_length=2000, help_text="resolve, ignore, reopen: why."
    )
    how = serializers.ChoiceField(
        required=False, choices=list(BY_PERSON.items()), help_text="resolve: how it was cured."
    )
    text = serializers.CharField(required=False, max_length=4000, help_text="note.")
    minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=7 * 24 * 60, help_text="snooze."
    )
    on_whom = serializers.CharField(required=False, max_length=120, help_text="wait.")
    waits_for = serializers.ChoiceField(
        required=False, choices=WaitsFor.choices, help_text="wait: as clocks ask."
    )
    team = serializers.CharField(required=False, max_length=50, help_text="assign: its slug.")
    person = serializers.CharField(
        required=False, max_length=150, help_text="assign: a username; left out, nobody yet."
    )
    keep_minutes = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="assign: how long rules leave it there; left out, until the rules change.",
    )


Act = Callable[..., object]


def _choice(said: Said) -> dict[str, Any]:
    team = Team.objects.filter(slug=said["team"]).first()
    if team is None:
        raise Problem(422, "api.invalid_body", f"There is no team {said['team']}.", field="team")
    person = workers().filter(username=said["person"]).first() if "person" in said else None
    if "person" in said and person is None:
        detail = f"There is nobody {said['person']} who works on cases."
        raise Problem(422, "api.invalid_body", detail, field="person")
    minutes = said.get("keep_minutes")
    choice = Choice(
        team_id=team.pk,
        person_id=person.pk if person else None,
        is_pinned=minutes is not None,
        until=timezone.now() + timedelta(minutes=minutes) if minutes else None,
    )
    return {"choice": choice}


def _undo(*, case_id: int, actor_id: int, now: Any) -> None:
    newest = acts.newest_act(case_id)
    if newest is None:
        raise NothingToUndo("There is no act on this case that could be taken back.")
    acts.undo_act(event_id=newest.pk, actor_id=actor_id, now=now)


def _only(*names: str) -> Callable[[Said], dict[str, Any]]:
    return lambda said: {name: said[name] for name in names if name in said}


def _reopened(said: Said) -> dict[str, Any]:
    return {"reason": said.get("reason", "")}


# verb -> (ability of the person, fields it can't do without, what it takes of the body, the act)
ACTS: dict[str, tuple[Ability, tuple[str, ...], Callable[[Said], dict[str, Any]], Act]] = {
    "claim": (Ability.WORK_CASES, (), _only(), acts.claim_case),
    "release": (Ability.WORK_CASES, (), _only(), acts.release_case),
    "assign": (Ability.ASSIGN_CASES, ("team",), _choice, assign_case),
    "note": (Ability.WORK_CASES, ("text",), _only("text"), acts.add_note),
    "snooze": (Ability.WORK_CASES, ("minutes",), _only("minutes"), acts.snooze_case),
    "wait": (Ability.WORK_CASES, ("on_whom",), _only("on_whom", "waits_for"), acts.wait_case),
    "wake": (Ability.WORK_CASES, (), _only(), acts.wake_case),
    "resolve": (Ability.WORK_CASES, ("reason",), _only("reason", "how"), acts.resolve_case),
    "ignore": (Ability.IGNORE_CASES, ("reason",), _only("reason"), acts.ignore_case),
    "reopen": (Ability.WORK_CASES, (), _reopened, acts.reopen_case),
    "undo": (Ability.WORK_CASES, (), _only(), _undo),
}
_VERB = OpenApiParameter("verb", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(ACTS))


class ActOnCase(HubView):
    """Claim, hand on, wait, close, take back."""

    @extend_schema(
        operation_id="actOnCase",
        summary="Do something to a case",
        description="For a person, whose rights count as on the pages: claim, release, assign, "
        "note, snooze, wait, wake, resolve, ignore, reopen, or undo the newest act.",
        tags=["cases"],
        request=ActShape,
        parameters=[_VERB, IDEMPOTENCY_KEY, IF_MATCH, *RATE_HEADERS],
        responses={200: CaseSummary, **problems(400, 404, 409, 413, 415, 422)},
    )
    @needs(Scope.CASES_WRITE)
    def post(self, request: Request, case_id: int, verb: str) -> Response:
        """On a case of the key's connection. 409 when it has moved on."""
        if verb not in ACTS:
            raise NotFound(f"A case knows {', '.join(ACTS)}.")
        key = intake.read_key(request)
        said = intake.read_fields(request, ActShape)
        if not cases_of(self.key).filter(pk=case_id).exists():
            raise NotFound(f"There is no case {case_id} that this key can see.")
        ability, required, taken, act = ACTS[verb]
        _refuse_missing(verb, required, said)
        actor_id = _person(said["by"], case_id, ability, verb)
        now = timezone.now()

        def done() -> dict[str, Any]:
            act(case_id=case_id, actor_id=actor_id, now=now, **taken(said))
            return case_of(cases_of(self.key).get(pk=case_id), request)

        asked = Asked(
            api_key_id=self.key.pk,
            idempotency_key=key,
            digest=_digest(case_id, verb, said),
            version=_version(request, said),
        )
        return Response(act_for(asked, case_id=case_id, act=done, now=now))


def _refuse_missing(verb: str, required: tuple[str, ...], said: Said) -> None:
    for name in required:
        if not said.get(name):
            raise Problem(422, "api.invalid_body", f"To {verb} needs `{name}`.", field=name)


def _person(username: str, case_id: int, ability: Ability, verb: str) -> int:
    """The person it is done for. Raises `Problem` for one who could not do it on the pages."""
    person = get_user_model().objects.filter(username=username, is_active=True).first()
    sees = person is not None and visible_cases(person).filter(pk=case_id).exists()
    if person is None or not sees:
        detail = f"There is nobody {username} who can see this case."
        raise Problem(422, "api.invalid_body", detail, field="by")
    if not may(person, ability):
        detail = f"The role of {username} can't {verb} cases."
        raise Problem(403, "api.forbidden", detail, field="by")
    return int(person.pk)


def _version(request: Request, said: Said) -> int | None:
    told = request.headers.get("If-Match", "").strip().strip('"')
    if not told:
        version: int | None = said.get("version")
        return version
    if not told.isdecimal() or len(told) > 9:
        detail = "If-Match is the `version` of the case, as “7”."
        raise Problem(400, "api.invalid_parameter", detail, field="If-Match")
    return int(told)


def _digest(case_id: int, verb: str, said: Said) -> str:
    text = json.dumps([case_id, verb, said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
