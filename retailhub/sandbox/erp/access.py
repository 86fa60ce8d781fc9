"""Who may speak to the ERP: tokens for an hour, and its wording when one has run out."""

import base64
import binascii
import hmac
import secrets
import time
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from retailhub.sandbox import credentials
from retailhub.sandbox.erp.problems import ErpProblem, rendered
from retailhub.sandbox.gate import Asked

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})


class Tokens:
    """Access tokens in memory only: a restart of the ERP ends every session."""

    def __init__(self) -> None:
        self.lifetime_s = 3600.0
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        token = secrets.token_urlsafe(32)
        self._until[token] = time.time() + self.lifetime_s
        return token

    def is_valid(self, token: str) -> bool:
        return self._until.get(token, 0.0) > time.time()

    def expire_all(self) -> int:
        count = len(self._until)
        self._until.clear()
        return count

    def expire(self, token: str) -> None:
        self._until.pop(token, None)


class ErpManners:
    """NetSuite's words for yes and no."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def refuse(self, asked: Asked) -> Response | None:
        return None if self._tokens.is_valid(_bearer(asked)) else self.expired(asked)

    def expired(self, asked: Asked) -> Response | None:
        if asked.path == TOKEN_PATH:
            return None
        # A retry with the same token must fail too, or a client that never renews would pass.
        self._tokens.expire(_bearer(asked))
        detail = (
            "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI "
            "at Setup > Users/Roles > User Management > View Login Audit Trail."
        )
        challenge = (
            f'Bearer realm="{credentials.ERP_ACCOUNT}", error="invalid_token", '
            'error_description="INVALID_LOGIN_ATTEMPT"'
        )
        problem = ErpProblem(401, "INVALID_LOGIN", detail)
        return rendered(problem, {"www-authenticate": challenge})

    def too_many(self, asked: Asked, retry_after_s: float) -> Response:
        detail = "Concurrent request limit exceeded. Request blocked."
        problem = ErpProblem(429, "CONCURRENCY_LIMIT_EXCEEDED", detail)
        return rendered(problem, {"retry-after": f"{retry_after_s:g}"})

    def unavailable(self, retry_after_s: float) -> Response:
        detail = "The account you are trying to access is currently unavailable."
        problem = ErpProblem(503, "SERVICE_UNAVAILABLE", detail)
        return rendered(problem, {"retry-after": f"{retry_after_s:g}"})

    def timed_out(self) -> Response:
        return rendered(ErpProblem(504, "GATEWAY_TIMEOUT", "The request took too long."))

    def is_write(self, asked: Asked) -> bool:
        return asked.method in _WRITES and "/record/v1/" in asked.path


async def answer_token_request(request: Request, tokens: Tokens) -> Response:
    """Client credentials in, a bearer token out, as OAuth 2.0 has it."""
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
    if not _are_ours(*_client(request, form)):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    body = {
        "access_token": tokens.issue(),
        "expires_in": f"{tokens.lifetime_s:g}",  # a string, as NetSuite sends it
        "token_type": "bearer",
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


def _are_ours(client_id: str, client_secret: str) -> bool:
    given, ours = (
        f"{client_id}:{client_secret}",
        f"{credentials.ERP_CLIENT_ID}:{credentials.ERP_CLIENT_SECRET}",
    )
    return hmac.compare_digest(given.encode(), ours.encode())


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and secret, from HTTP Basic or from the form."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def _bearer(asked: Asked) -> str:
    return asked.headers.get("authorization", "").removeprefix("Bearer ").strip()
