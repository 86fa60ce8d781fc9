"""How NetSuite words its refusals."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse, Response

_RFC: Final = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
# https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156570709583.html
_TITLES: Final = {
    400: ("Bad Request", "#sec10.4.1"),
    401: ("Unauthorized", "#sec10.4.2"),
    404: ("Not Found", "#sec10.4.5"),
    405: ("Method Not Allowed", "#sec10.4.6"),
    429: ("Bad Request", ""),  # the title is what NetSuite really sends with a 429
    503: ("Service Unavailable", "#sec10.5.4"),
    504: ("Gateway Timeout", "#sec10.5.5"),
}


@dataclass
class ErpProblem(Exception):
    """NetSuite will not do this."""

    status: int
    code: str
    detail: str
    path: str | None = None


def user_error(detail: str, path: str | None = None) -> ErpProblem:
    """What an ordinary business rule says."""
    return ErpProblem(400, "USER_ERROR", f"Error while accessing a resource. {detail}", path)


def not_found() -> ErpProblem:
    detail = "The record instance does not exist. Provide a valid record instance ID."
    return ErpProblem(404, "NONEXISTENT_ID", detail)


def rendered(problem: ErpProblem, headers: dict[str, str] | None = None) -> Response:
    title, anchor = _TITLES[problem.status]
    detail: dict[str, Any] = {"detail": problem.detail, "o:errorCode": problem.code}
    if problem.path:
        detail["o:errorPath"] = problem.path
    body = {
        "type": _RFC + anchor,
        "title": title,
        "status": problem.status,
        "o:errorDetails": [detail],
    }
    return JSONResponse(
        body,
        status_code=problem.status,
        headers=headers,
        media_type="application/vnd.oracle.resource+json; type=error",
    )
