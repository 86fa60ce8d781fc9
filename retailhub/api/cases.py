"""What of this connection needs a person?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.models import ApiKey
from connectors.services.api_keys import Scope
from exceptions.history import suggestion_of
from exceptions.lifecycle import OPEN, CaseState
from exceptions.models import ExceptionCase
from exceptions.models.proof import Proof
from exceptions.playbook import play_of
from exceptions.selectors import of_cause
from retailhub.api.authentication import needs
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.order_shapes import order_url
from retailhub.api.paging import page_of
from retailhub.api.shapes import Moment, Money, Page, PageQuery, moment, money_of
from retailhub.api.view import HubView

CASE_STATES = [(state.value, state.value.capitalize()) for state in CaseState]
SELECTIONS = [("open", "Open"), ("closed", "Closed")]
SEVERITIES = [(severity.name, severity.label) for severity in ExceptionCase.Severity]


@extend_schema_serializer(component_name="CaseSummary")
class CaseSummary(serializers.Serializer[Any]):
    """One row of the list."""

    @extend_schema_serializer(component_name="CaseOrder")
    class OfOrder(serializers.Serializer[Any]):
        reference = serializers.CharField()
        number = serializers.CharField()
        url = serializers.URLField()

    @extend_schema_serializer(component_name="CaseProof")
    class OfProof(serializers.Serializer[Any]):
        state = serializers.ChoiceField(
            choices=Proof.choices, help_text="WORD: nothing on record could show it."
        )
        evidence = serializers.CharField()
        seen_at = Moment(allow_null=True)

    id = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; decide by this one.")
    title = serializers.CharField()
    detail = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)
    state = serializers.ChoiceField(choices=CASE_STATES)
    is_open = serializers.BooleanField()
    version = serializers.IntegerField(help_text="Say it with an act, to change what you saw.")
    team = serializers.CharField(allow_null=True, help_text="Its slug.")
    owner = serializers.CharField(allow_null=True, help_text="A username.")
    incident_id = serializers.IntegerField(
        allow_null=True, help_text="The case of the connection that stands for it."
    )
    order_number = serializers.CharField(help_text="Also known while there is no order yet.")
    order = OfOrder(allow_null=True)
    value = Money(allow_null=True)
    opened_at = Moment()
    due_at = Moment()
    closed_at = Moment(allow_null=True)
    resolution = serializers.CharField(help_text="How it was closed.")
    proof = OfProof(allow_null=True, help_text="Whether the cure was seen; null while nobody says.")
    trace_id = serializers.UUIDField(allow_null=True)
    url = serializers.URLField()


def cases_of(key: ApiKey) -> QuerySet[ExceptionCase]:
    """The cases of the key's connection."""
    cases = ExceptionCase.objects.filter(connection_id=key.connection_id)
    return cases.select_related("order", "team", "owner")


def case_of(case: ExceptionCase, request: Request) -> dict[str, Any]:
    """The shape of `CaseSummary`."""
    order = case.order and {
        "reference": case.order.reference,
        "number": case.order.number,
        "url": order_url(request, case.order.reference),
    }
    return {
        "id": case.pk,
        "code": case.code,
        "title": case.title,
        "detail": case.detail,
        "severity": ExceptionCase.Severity(case.severity).name,
        "state": case.state,
        "is_open": case.state in OPEN,
        "version": case.version,
        "team": case.team.slug if case.team else None,
        "owner": case.owner.get_username() if case.owner else None,
        "incident_id": case.parent_id,
        "order_number": case.order_number,
        "order": order,
        "value": None if case.value is None else money_of(case.value, case.currency),
        "opened_at": moment(case.opened_at),
        "due_at": moment(case.due_at),
        "closed_at": moment(case.closed_at),
        "resolution": case.resolution,
        "proof": _proof_of(case),
        "trace_id": str(case.trace_id) if case.trace_id else None,
        "url": reverse("api:case", kwargs={"case_id": case.pk}, request=request),
    }


def _proof_of(case: ExceptionCase) -> dict[str, Any] | None:
    if not case.proof:
        return None
    return {"state": case.proof, "evidence": case.proof_text, "seen_at": moment(case.proof_at)}


class ListCases(HubView):
    """Newest first, page by page."""

    @extend_schema_serializer(component_name="CaseQuery")
    class Query(PageQuery):
        """Filters; all of them must hold."""

        state = serializers.ChoiceField(required=False, choices=SELECTIONS)
        order = serializers.CharField(
            required=False, max_length=160, help_text="An order's reference or number."
        )
        cause = serializers.IntegerField(
            required=False, min_value=1, max_value=2**63 - 1, help_text="The id of a cause."
        )

    @extend_schema_serializer(component_name="CasePage")
    class Output(Page):
        """A page of cases."""

        results = CaseSummary(many=True)

    @extend_schema(
        operation_id="listCases",
        summary="List cases",
        tags=["cases"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400)},
    )
    @needs(Scope.CASES_READ)
    def get(self, request: Request) -> Response:
        """What of the key's connection needs or needed a person, newest first."""
        asked = self.asked(self.Query)
        rows = cases_of(self.key)
        if "state" in asked:
            is_open = Q(state__in=[state.value for state in OPEN])
            rows = rows.filter(is_open if asked["state"] == "open" else ~is_open)
        if "order" in asked:
            rows = rows.filter(Q(order_number=asked["order"]) | Q(order__reference=asked["order"]))
        if "cause" in asked:
            rows = rows.filter(of_cause(asked["cause"]))
        page, following = page_of(rows, cursor=asked.get("cursor", ""), limit=asked["limit"])
        results = [case_of(case, request) for case in page]
        return Response({"results": results, "next_cursor": following})


class ShowCase(HubView):
    """One case, with what to do about it."""

    @extend_schema_serializer(component_name="Case")
    class Output(CaseSummary):
        """The case with advice."""

        @extend_schema_serializer(component_name="CaseSuggestion")
        class OfHistory(serializers.Serializer[Any]):
            how = serializers.CharField()
            count = serializers.IntegerField(help_text="So many of the last ones were closed so.")
            of = serializers.IntegerField(help_text="How many of the last ones were counted.")
            text = serializers.CharField()

        consequence = serializers.CharField(help_text="What waits meanwhile.")
        advice = serializers.CharField(help_text="What cures it.")
        suggestion = OfHistory(
            allow_null=True, help_text="What closed most of the last ones like it; null at first."
        )
        recurs = serializers.IntegerField(
            allow_null=True, help_text="The closed case about the same thing before this one."
        )

    @extend_schema(
        operation_id="showCase",
        summary="Show a case",
        tags=["cases"],
        parameters=RATE_HEADERS,
        responses={200: Output, **problems(404)},
    )
    @needs(Scope.CASES_READ)
    def get(self, request: Request, case_id: int) -> Response:
        """One case of the key's connection."""
        case = cases_of(self.key).filter(pk=case_id).first()
        if case is None:
            raise NotFound(f"There is no case {case_id} that this key can see.")
        play = play_of(case.code)
        found = suggestion_of(case)
        told = {
            "consequence": play.consequence,
            "advice": play.advice,
            "suggestion": asdict(found) if found else None,
            "recurs": case.recurs_id,
        }
        return Response({**case_of(case, request), **told})
