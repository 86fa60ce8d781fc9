"""How a person or a harness steers a simulated system while it runs."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retailhub.sandbox.faults import Faults, SettingError
from retailhub.sandbox.gate import CallLog
from retailhub.sandbox.journal import Journal

Handler = Callable[[Request], Awaitable[Response]]


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body; none at all is an empty one. Raises SettingError."""
    body = await request.body()
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise SettingError(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SettingError("the body must be a JSON object")
    return value


def guarded(handler: Handler) -> Handler:
    """Answer 400 with the reason when a control call asks for nonsense."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except SettingError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return handle


def control_route(path: str, handler: Handler, methods: list[str]) -> Route:
    return Route("/_sandbox" + path, guarded(handler), methods=methods)


def settings_route(
    path: str,
    show: Callable[[], dict[str, Any]],
    change: Callable[[dict[str, Any]], None],
    calm: Callable[[], None] | None = None,
) -> Route:
    """GET shows, PUT changes what it names and shows, DELETE goes back to the start."""

    async def handle(request: Request) -> Response:
        if request.method == "PUT":
            change(await read_object(request))
        elif request.method == "DELETE" and calm:
            calm()
        return JSONResponse(show())

    return control_route(path, handle, ["GET", "PUT", *(["DELETE"] if calm else [])])


def shared_routes(name: str, journal: Journal, faults: Faults, log: CallLog) -> list[Route]:
    """The control routes that every simulated system has."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "system": name, "ledger": journal.number})

    async def ledger(request: Request) -> Response:
        lines = _filtered_lines(journal, dict(request.query_params))
        return JSONResponse({"lines": lines, "last": journal.number})

    async def calls(request: Request) -> Response:
        since = _number(request.query_params.get("since", "0"))
        return JSONResponse({"calls": [line for line in log.recent if line["at"] >= since]})

    return [
        control_route("/health", health, ["GET"]),
        control_route("/ledger", ledger, ["GET"]),
        control_route("/calls", calls, ["GET"]),
        settings_route("/faults", faults.report, faults.change, faults.calm),
    ]


def _filtered_lines(journal: Journal, wanted: dict[str, str]) -> list[dict[str, Any]]:
    after = _number(wanted.get("after", "0"))
    limit = int(_number(wanted.get("limit", "1000000")))
    lines: list[dict[str, Any]] = []
    for line in journal.recent:
        fits = line.number > after and all(
            wanted.get(name, getattr(line, name)) == getattr(line, name)
            for name in ("kind", "reference", "key", "external_id", "trace_id")
        )
        if fits and len(lines) < limit:
            lines.append(vars(line))
    return lines


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingError(f"not a number: {text!r}") from error
