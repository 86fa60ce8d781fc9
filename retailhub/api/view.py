"""What every operation of the API shares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from connectors.models import ApiKey
from retailhub.api.problems import Problem
from retailhub.api.throttling import WINDOW_SECONDS, Turn
from retailhub.kernel.trace import new_trace_id, tracing


class AlwaysJson(BaseContentNegotiation):
    """We speak JSON, whatever is asked for: a caller can't be kept from reading its error."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class HubView(APIView):
    """An operation of the API: traced, counted, scoped, and answered with headers that say so."""

    http_method_names = ["get", "head", "post"]
    content_negotiation_class = AlwaysJson
    turn: Turn | None = None

    @property
    def key(self) -> ApiKey:
        """The key that is calling."""
        auth = self.request.auth
        if not isinstance(auth, ApiKey):
            raise TypeError("an operation without a key has no caller")
        return auth

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Everything of one call belongs to one trace."""
        with tracing(new_trace_id()):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Find the key. A wrong one counts against its address, so guessing has a limit too."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            super().check_throttles(request)
            raise

    def check_permissions(self, request: Request) -> None:
        """A call is counted before it is refused: a wrong scope is no way around the limit."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done, before the permissions."""

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Tell how many calls are left, also when the answer is an error."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.setdefault("Cache-Control", "no-store")
        if self.turn is not None:
            response["RateLimit-Policy"] = f"{self.turn.limit};w={WINDOW_SECONDS}"
            response["RateLimit-Limit"] = str(self.turn.limit)
            response["RateLimit-Remaining"] = str(self.turn.remaining)
            response["RateLimit-Reset"] = str(math.ceil(self.turn.reset_seconds))
        return response

    def asked(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """The query's parameters. Raises for one that is wrong, and for one nobody knows."""
        serializer = serializer_class(data=self.request.query_params)
        for name in self.request.query_params:
            if name not in serializer.fields:
                known = ", ".join(serializer.fields)
                raise Problem(
                    400,
                    "api.unknown_parameter",
                    f"“{name[:60]}” is not a parameter; there are {known}.",
                    field=name[:60],
                )
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class Nothing(HubView):
    """Every address below `/api/` that leads nowhere."""

    http_method_names = [*HubView.http_method_names, "put", "patch", "delete", "options"]
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever was asked."""
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such address in this API.")
