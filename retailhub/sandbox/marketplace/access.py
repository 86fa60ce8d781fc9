"""Who may speak to the marketplace, how often, and how it words its refusals."""

import hmac
import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from retailhub.sandbox import credentials
from retailhub.sandbox.erp.access import Tokens
from retailhub.sandbox.gate import Asked
from retailhub.sandbox.limits import Bucket

TOKEN_PATH: Final = "/auth/o2/token"  # noqa: S105
# Documents lie at addresses that are their own permission.
DOCUMENTS: Final = "/documents/"
_LISTING: Final = re.compile(r"^/listings/2021-08-01/items/[^/]+/.+$")
_FEEDS: Final = "/feeds/2021-06-30/"

# operation -> calls per second, burst: Amazon's default usage plans.
PLANS: Final = {
    "patchListingsItem": (5.0, 5),
    "getListingsItem": (5.0, 10),
    "searchListingsItems": (5.0, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2.0, 15),
    "getFeedDocument": (0.0222, 10),
}


def operation_of(method: str, path: str) -> str:
    """Amazon's name for a call, empty for one that has no plan."""
    if _LISTING.match(path):
        return "patchListingsItem" if method == "PATCH" else "getListingsItem"
    if path.startswith("/listings/"):
        return "searchListingsItems"
    if not path.startswith(_FEEDS):
        return ""
    kind = path.removeprefix(_FEEDS).partition("/")[0]
    names = {("POST", "documents"): "createFeedDocument", ("POST", "feeds"): "createFeed",
             ("GET", "documents"): "getFeedDocument", ("GET", "feeds"): "getFeed"}  # fmt: skip
    return names.get((method, kind), "")


class Plans:
    """A token bucket for each operation."""

    def __init__(self) -> None:
        self._buckets = {name: Bucket(burst, rate) for name, (rate, burst) in PLANS.items()}

    def may(self, operation: str) -> bool:
        bucket = self._buckets.get(operation)
        return bucket is None or bucket.take(1)


class MarketManners:
    """Amazon's words for yes and no."""

    def __init__(self, tokens: Tokens, plans: Plans) -> None:
        self._tokens, self._plans = tokens, plans

    def refuse(self, asked: Asked) -> Response | None:
        if asked.path == TOKEN_PATH or asked.path.startswith(DOCUMENTS):
            return None
        if not self._tokens.is_valid(asked.headers.get("x-amz-access-token", "")):
            return _denied()
        operation = operation_of(asked.method, asked.path)
        return None if self._plans.may(operation) else self.too_many(asked, 0.5)

    def expired(self, asked: Asked) -> Response | None:
        if asked.path == TOKEN_PATH or asked.path.startswith(DOCUMENTS):
            return None
        # A retry with the same token must fail too, or a client that never renews would pass.
        self._tokens.expire(asked.headers.get("x-amz-access-token", ""))
        return _denied()

    def too_many(self, asked: Asked, retry_after_s: float) -> Response:
        rate, _burst = PLANS.get(operation_of(asked.method, asked.path), (1.0, 1))
        message = "You exceeded your quota for the requested resource."
        return rendered(429, "QuotaExceeded", message, {"x-amzn-ratelimit-limit": f"{rate}"})

    def unavailable(self, retry_after_s: float) -> Response:
        message = "Service is temporarily unavailable. Please try again."
        headers = {"retry-after": f"{retry_after_s:g}"}
        return rendered(503, "ServiceUnavailable", message, headers)

    def timed_out(self) -> Response:
        return rendered(504, "GatewayTimeout", "The request took too long.")

    def is_write(self, asked: Asked) -> bool:
        return operation_of(asked.method, asked.path) in {"patchListingsItem", "createFeed"}


def rendered(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    body = {"errors": [{"code": code, "message": message, "details": ""}]}
    return JSONResponse(body, status_code=status, headers=headers)


def _denied() -> Response:
    return rendered(403, "Unauthorized", "Access to requested resource is denied.")


async def answer_token_request(request: Request, tokens: Tokens) -> Response:
    """A refresh token in, an access token for an hour out, as Login with Amazon has it."""
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    if form.get("grant_type") != "refresh_token":
        return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
    given = [form.get(name, "") for name in ("client_id", "client_secret", "refresh_token")]
    ours = [credentials.MARKET_CLIENT_ID, credentials.MARKET_CLIENT_SECRET,
            credentials.MARKET_REFRESH_TOKEN]  # fmt: skip
    if not hmac.compare_digest("\n".join(given).encode(), "\n".join(ours).encode()):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    body = {
        "access_token": tokens.issue(),
        "refresh_token": given[2],
        "token_type": "bearer",
        "expires_in": int(tokens.lifetime_s),
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})
