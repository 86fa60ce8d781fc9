"""Why do things of this connection stand still? Cases by cause, the worst first."""

from __future__ import annotations

from typing import Any

from django.db.models import Min, Q
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.services.api_keys import Scope
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import causes_by_damage
from retailhub.api.authentication import needs
from retailhub.api.cases import SEVERITIES, cases_of
from retailhub.api.description import RATE_HEADERS, problems
from retailhub.api.shapes import Moment, Money, moment, money_of
from retailhub.api.view import HubView


class ListCauses(HubView):
    """Those with open cases."""

    @extend_schema_serializer(component_name="CauseQuery")
    class Query(serializers.Serializer[Any]):
        """How many."""

        limit = serializers.IntegerField(
            required=False, default=50, min_value=1, max_value=100, help_text="At most so many."
        )

    @extend_schema_serializer(component_name="CauseList")
    class Output(serializers.Serializer[Any]):
        """The causes whose cases together cost most to let wait."""

        @extend_schema_serializer(component_name="Cause")
        class Row(serializers.Serializer[Any]):
            id = serializers.IntegerField()
            code = serializers.CharField()
            title = serializers.CharField()
            open_cases = serializers.IntegerField()
            severity = serializers.ChoiceField(choices=SEVERITIES, help_text="Of the worst case.")
            value = Money(
                allow_null=True, help_text="Null without money, or in several currencies."
            )
            first_due_at = Moment()
            last_seen_at = Moment()
            cases_url = serializers.URLField()

        results = Row(many=True)

    @extend_schema(
        operation_id="listCauses",
        summary="List causes",
        tags=["cases"],
        parameters=[Query, *RATE_HEADERS],
        responses={200: Output, **problems(400)},
    )
    @needs(Scope.CASES_READ)
    def get(self, request: Request) -> Response:
        """Open cases of the key's connection by cause, the most harmful first."""
        asked = self.asked(self.Query)
        cases = cases_of(self.key).filter(state__in=OPEN_STATES).select_related(None)
        with_money = Q(cases__in=cases.values("pk")) & ~Q(cases__currency="")
        lowest = Min("cases__currency", filter=with_money)
        causes: Any = causes_by_damage(cases).annotate(lowest=lowest)
        cases_url = reverse("api:cases", request=request)
        return Response(
            {"results": [_shown(cause, cases_url) for cause in causes[: asked["limit"]]]}
        )


def _shown(cause: Any, cases_url: str) -> dict[str, Any]:
    is_one = bool(cause.money and cause.currency) and cause.currency == cause.lowest
    return {
        "id": cause.pk,
        "code": cause.code,
        "title": cause.title,
        "open_cases": cause.open_cases,
        "severity": ExceptionCase.Severity(cause.worst).name,
        "value": money_of(cause.money, cause.currency) if is_one else None,
        "first_due_at": moment(cause.first_due),
        "last_seen_at": moment(cause.last_seen_at),
        "cases_url": f"{cases_url}?state=open&cause={cause.pk}",
    }
