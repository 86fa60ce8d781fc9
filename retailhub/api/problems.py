"""What went wrong, for programs: problem details (RFC 9457), one shape for every error."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework.response import Response
from rest_framework.views import set_rollback

from inventory.errors import ReservationUnknown
from retailhub.kernel.errors import NeedsOperator, RetryLater
from retailhub.kernel.trace import current_trace_id

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5

TITLES = {
    "api.unauthenticated": "A key is needed",
    "api.forbidden": "The key may not do this",
    "api.not_found": "There is nothing here",
    "api.throttled": "Too many calls",
    "api.invalid_parameter": "A parameter can't be used",
    "api.unknown_parameter": "A parameter is not known",
    "api.idempotency_key_missing": "Idempotency-Key is missing",
    "api.idempotency_key_invalid": "Idempotency-Key can't be used",
    "api.idempotency_key_reused": "Idempotency-Key was used for another body",
    "api.unavailable": "Not available at the moment",
    "api.unexpected": "Something we did not foresee",
    "api.invalid_body": "The body can't be taken",
    "connectors.invalid_body": "The body can't be taken",
    "inventory.insufficient_stock": "There is too little stock",
    "inventory.reservation_conflict": "It came with another request before",
    "inventory.reservation_ended": "The reservation is over",
}

_CODES = {
    401: "api.unauthenticated",
    403: "api.forbidden",
    404: "api.not_found",
    405: "api.method_not_allowed",
    406: "api.not_acceptable",
    413: "api.too_large",
    415: "api.unsupported_media_type",
    429: "api.throttled",
}


class Problem(Exception):
    """An answer that is an error. `code` is stable; `field` names what to correct."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.field = status, code, field
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The body."""
        document: dict[str, Any] = {
            "type": f"urn:retailhub:problem:{self.code}",
            "title": TITLES.get(self.code) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
            "code": self.code,
        }
        if self.field:
            document["field"] = self.field
        if trace_id := current_trace_id():
            document["trace_id"] = str(trace_id)
        return document


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """The one exception handler: every error of an API view ends here as a problem document."""
    problem = problem_of(error)
    if problem.status >= 500:
        # Ours to look at; a caller is told the trace id that this line carries.
        log.error("API call failed: %s", type(error).__name__, exc_info=error)
    set_rollback()
    return Response(
        problem.document(),
        status=problem.status,
        headers=problem.headers,
        content_type=CONTENT_TYPE,
    )


def problem_of(error: Exception) -> Problem:
    """What `error` means to a caller."""
    if isinstance(error, Problem):
        return error
    read = next((read for kind, read in _READERS if isinstance(error, kind)), _unforeseen)
    return read(error)


def _unforeseen(_: Any) -> Problem:
    detail = "Nothing was stored. Tell us the trace id; it leads to what happened."
    return Problem(500, "api.unexpected", detail)


def _from_rest(error: rest.APIException) -> Problem:
    if isinstance(error, rest.Throttled):
        return _later(
            429, "api.throttled", "This key has used its calls.", getattr(error, "wait", None)
        )
    if isinstance(error, rest.ValidationError):
        field, detail = first_error(error.detail)
        return Problem(400, "api.invalid_parameter", detail, field=field)
    code = _CODES.get(error.status_code, "api.bad_request")
    challenge = getattr(error, "auth_header", "")
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return Problem(error.status_code, code, first_error(error.detail)[1], headers=headers)


def _later(status: int, code: str, detail: str, after: float | None) -> Problem:
    seconds = max(math.ceil(RETRY_SECONDS if after is None else after), 1)
    return Problem(status, code, detail, headers={"Retry-After": str(seconds)})


def first_error(detail: Any, field: str = "") -> tuple[str, str]:
    """The first thing to correct: its path and what is wrong with it."""
    if isinstance(detail, Mapping) and detail:
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):  # the place in a list
            return first_error(inner, f"{field}[{name}]")
        path = "" if name == "non_field_errors" else str(name)
        return first_error(inner, f"{field}.{path}".strip("."))
    if isinstance(detail, list) and detail:
        return first_error(detail[0], field)
    return field, str(detail)


_READERS: tuple[tuple[Any, Callable[[Any], Problem]], ...] = (
    (rest.APIException, _from_rest),
    (Http404, lambda _: Problem(404, "api.not_found", "There is nothing here.")),
    (PermissionDenied, lambda _: Problem(403, "api.forbidden", "This key may not do this.")),
    (ReservationUnknown, lambda error: Problem(404, "api.not_found", str(error))),
    (RetryLater, lambda error: _later(503, error.code, str(error), error.after)),
    (
        NeedsOperator,
        lambda error: Problem(
            409, error.code, str(error), field=str(error.context.get("field", ""))
        ),
    ),
    (
        (OperationalError, InterfaceError),
        lambda _: _later(
            503,
            "api.unavailable",
            "Nothing was stored. Send it again, with the same Idempotency-Key.",
            None,
        ),
    ),
)
