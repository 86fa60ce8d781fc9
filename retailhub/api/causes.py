"""Why do things of this connection stand still? Cases by cause, the worst first."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connectors.services.api_keys import Scope
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import Damage, causes_by_damage
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
            first_seen_at = Moment()
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
        worst = causes_by_damage(cases, most=asked["limit"])
        cases_url = reverse("api:cases", request=request)
        return Response({"results": [_shown(one, cases_url) for one in worst]})


def _shown(one: Damage, cases_url: str) -> dict[str, Any]:
    return {
        "id": one.cause.pk,
        "code": one.cause.code,
        "title": one.cause.title,
        "open_cases": one.cases,
        "severity": ExceptionCase.Severity(one.worst).name,
        "value": money_of(one.money, one.currency) if one.money and one.currency else None,
        "first_seen_at": moment(one.cause.first_seen_at),
        "last_seen_at": moment(one.cause.last_seen_at),
        "cases_url": f"{cases_url}?state=open&cause={one.cause.pk}",
    }
