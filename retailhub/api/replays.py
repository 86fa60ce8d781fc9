"""Replays of many by a program: plan and start, watch, pause, cancel; and what one would do."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.models import InboundMessage
from connectors.services.api_keys import Scope
from connectors.services.dry_run import DryRun, dry_run
from exceptions.lifecycle import ItemState, RunState
from exceptions.models import ReplayRun
from exceptions.models.cases import OPEN_STATES
from exceptions.services.runs import cases_for, tally
from exceptions.services.select_cases import MOST_SELECTED, select_cases
from exceptions.services.start_run import start_run
from exceptions.services.steer_run import steer_run
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.paging import page_of
from retailhub.api.problems import Problem
from retailhub.api.shapes import Moment, Page, PageQuery, moment
from retailhub.api.view import HubView
from retailhub.kernel.changes import MISSING

STATES = [(state.value, state.value.capitalize()) for state in RunState]
LARGEST_BODY = 1_000_000


@extend_schema_serializer(component_name="Replay")
class Replay(serializers.Serializer[Any]):
    """A replay of many, and where its items stand. The counts add up to what was selected."""

    @extend_schema_serializer(component_name="ReplayCounts")
    class Counts(serializers.Serializer[Any]):
        selected = serializers.IntegerField()
        done = serializers.IntegerField()
        failed = serializers.IntegerField(help_text="Stopped again; open for a person.")
        skipped = serializers.IntegerField(help_text="Left out: running, closed, not mapped, …")
        cancelled = serializers.IntegerField(help_text="Never sent.")
        sent = serializers.IntegerField(help_text="On their way.")
        pending = serializers.IntegerField()

    id = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    is_final = serializers.BooleanField()
    stop_reason = serializers.CharField(
        help_text="Why it stopped itself; resume tries a few again."
    )
    waits_for = serializers.CharField(help_text="What it gives way to just now.")
    counts = Counts()
    started_at = Moment()
    finished_at = Moment(allow_null=True)
    url = serializers.URLField()


def replay_of(run: ReplayRun, request: Request) -> dict[str, Any]:
    """The shape of `Replay`."""
    numbers = tally(run)
    return {
        "id": run.pk,
        "title": run.title,
        "state": run.state,
        "is_final": run.finished_at is not None,
        "stop_reason": run.stop_reason,
        "waits_for": run.held_by,
        "counts": {
            "selected": sum(numbers.values()),
            **{state.value.lower(): numbers[state] for state in ItemState},
        },
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "url": reverse("api:replay", kwargs={"run_id": run.pk}, request=request),
    }


class Replays(HubView):
    """Start one; list those this connection's keys started."""

    @extend_schema_serializer(component_name="ReplayRequest")
    class Input(serializers.Serializer[Any]):
        """What to take again: every open case of one code, or these cases."""

        code = serializers.CharField(
            required=False, max_length=80, help_text="Every open case of the connection with it."
        )
        case_ids = serializers.ListField(
            child=serializers.IntegerField(min_value=1), required=False, max_length=MOST_SELECTED
        )
        reason = serializers.CharField(required=False, max_length=500, default="")

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            """One of the two."""
            if ("code" in attrs) == ("case_ids" in attrs):
                raise serializers.ValidationError("Give either `code` or `case_ids`.")
            return attrs

    @extend_schema_serializer(component_name="ReplayPage")
    class Output(Page):
        """A page of replays."""

        results = Replay(many=True)

    @extend_schema(
        operation_id="listReplays",
        summary="List replays",
        tags=["replays"],
        parameters=[PageQuery, *RATE_HEADERS],
        responses={200: Output, **problems(400)},
    )
    @needs(Scope.REPLAYS_READ)
    def get(self, request: Request) -> Response:
        """Those that keys of the connection started, newest first."""
        asked = self.asked(PageQuery)
        runs = ReplayRun.objects.filter(api_key__connection_id=self.key.connection_id)
        page, following = page_of(runs, cursor=asked.get("cursor", ""), limit=asked["limit"])
        results = [replay_of(run, request) for run in page]
        return Response({"results": results, "next_cursor": following})

    @extend_schema(
        operation_id="startReplay",
        summary="Start a replay of many",
        description="A few go first; when they work out, more follow. It stops itself after five "
        "equal failures. Cases that come later are never part of it.",
        tags=["replays"],
        request=Input,
        parameters=RATE_HEADERS,
        responses={201: Replay, **problems(400, 409, 415)},
    )
    @needs(Scope.REPLAYS_WRITE)
    def post(self, request: Request) -> Response:
        """Of the key's connection only. 409 when nothing of it can be replayed now."""
        said = self.Input(data=request.data)
        said.is_valid(raise_exception=True)
        asked, now = said.validated_data, timezone.now()
        cases = cases_for(self.key).filter(state__in=OPEN_STATES)
        cases = (
            cases.filter(code=asked["code"])
            if "code" in asked
            else cases.filter(pk__in=asked["case_ids"])
        )
        scope = select_cases(cases, by=self.key, now=now)
        run = start_run(scope_id=scope.pk, by=self.key, now=now, reason=asked["reason"])
        shown = replay_of(run, request)
        return Response(shown, status=201, headers={"Location": shown["url"]})


def _mine(view: HubView, run_id: int) -> ReplayRun:
    runs = ReplayRun.objects.filter(api_key__connection_id=view.key.connection_id)
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no replay {run_id} that this key can see.")
    return run


class ShowReplay(HubView):
    """One replay."""

    @extend_schema(
        operation_id="showReplay",
        summary="Show a replay",
        tags=["replays"],
        parameters=RATE_HEADERS,
        responses={200: Replay, **problems(404)},
    )
    @needs(Scope.REPLAYS_READ)
    def get(self, request: Request, run_id: int) -> Response:
        """How far it is."""
        return Response(replay_of(_mine(self, run_id), request))


_VERB = OpenApiParameter(
    "verb", OpenApiTypes.STR, OpenApiParameter.PATH, enum=["pause", "resume", "cancel"]
)


class SteerReplay(HubView):
    """Pause, resume, cancel the rest."""

    @extend_schema(
        operation_id="steerReplay",
        summary="Pause, resume or cancel a replay",
        description="Once it has answered a pause or a cancel, nothing more is sent.",
        tags=["replays"],
        request=None,
        parameters=[_VERB, *RATE_HEADERS],
        responses={200: Replay, **problems(404, 409)},
    )
    @needs(Scope.REPLAYS_WRITE)
    def post(self, request: Request, run_id: int, verb: str) -> Response:
        """Saying it again changes nothing. 409 when the replay is over."""
        if verb not in {"pause", "resume", "cancel"}:
            raise NotFound("A replay can be paused, resumed or cancelled.")
        run = _mine(self, run_id)
        run = steer_run(run_id=run.pk, verb=verb, actor_id=None, now=timezone.now())
        return Response(replay_of(run, request))


class TryMessage(HubView):
    """What would a message do? Nothing of it stays."""

    @extend_schema_serializer(component_name="Try")
    class Output(serializers.Serializer[Any]):
        """What would happen; with an `error`, nothing else would."""

        @extend_schema_serializer(component_name="TryChange")
        class Changed(serializers.Serializer[Any]):
            path = serializers.CharField()
            before = serializers.JSONField(allow_null=True)
            after = serializers.JSONField(allow_null=True)

        @extend_schema_serializer(component_name="TryEffect")
        class Effect(serializers.Serializer[Any]):
            kind = serializers.CharField()
            effect_key = serializers.CharField()

        error = serializers.CharField()
        error_code = serializers.CharField()
        ignored = serializers.CharField(help_text="Why there would be nothing to do.")
        changes = Changed(many=True)
        effects = Effect(many=True)
        corrected_by = serializers.ListField(child=serializers.IntegerField())

    @extend_schema(
        operation_id="tryMessage",
        summary="Try a message",
        tags=["replays"],
        parameters=RATE_HEADERS,
        responses={200: Output, **problems(404)},
    )
    @needs(Scope.REPLAYS_READ)
    def get(self, request: Request, message_id: int) -> Response:
        """The stored message, with the mappings of now."""
        return self._tried(message_id, None)

    @extend_schema(
        operation_id="tryCorrectedMessage",
        summary="Try a corrected body",
        tags=["replays"],
        request=OpenApiTypes.OBJECT,
        parameters=RATE_HEADERS,
        responses={200: Output, **problems(404, 413)},
    )
    @needs(Scope.REPLAYS_READ)
    def post(self, request: Request, message_id: int) -> Response:
        """The body of this call in the place of the stored one."""
        body = request.body
        if len(body) > LARGEST_BODY:
            raise Problem(413, "api.too_large", "The body is larger than any message we take.")
        return self._tried(message_id, body)

    def _tried(self, message_id: int, body: bytes | None) -> Response:
        mine = InboundMessage.objects.filter(connection_id=self.key.connection_id)
        if not mine.filter(pk=message_id).exists():
            raise NotFound(f"There is no message {message_id} that this key can see.")
        return Response(_told(dry_run(message_id=message_id, body=body, now=timezone.now())))


def _told(found: DryRun) -> dict[str, Any]:
    return {
        "error": str(found.error or ""),
        "error_code": found.error.code if found.error else "",
        "ignored": found.ignored,
        "changes": [
            {"path": one.where, "before": _plain(one.before), "after": _plain(one.after)}
            for one in found.changes
        ],
        "effects": [{"kind": one.kind, "effect_key": one.effect_key} for one in found.owed],
        "corrected_by": list(found.rules),
    }


def _plain(value: Any) -> Any:
    return None if value is MISSING else value
