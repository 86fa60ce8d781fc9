"""An OAuth token: asked for when it is needed, kept until shortly before it ends (RFC 6749)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.systems.http import (
    Answer,
    CredentialsRejected,
    HttpClient,
    RemoteRejected,
    RemoteUnavailable,
    call_elsewhere,
)

# A token is renewed this early, in seconds, so that none runs out on the way.
MARGIN = 60.0
# How long one lives that does not say so, and the longest that we believe.
USUAL, LONGEST = 3_600.0, 86_400.0


@dataclass(frozen=True)
class Tokens:
    """Where an account's tokens come from. They are kept by `http`, under `url`.

    `url` is a path on the address of `http`, or an address of its own. `ended` says what may have
    ended when no token is given.
    """

    http: HttpClient
    giver: str
    url: str
    form: Mapping[str, str]
    ended: str

    def signed(self, call: Callable[[str], Answer]) -> Answer:
        """The answer of `call`, made with a token; once more with a new one if that is refused."""
        try:
            return call(self._token())
        except CredentialsRejected:
            # A token can end early (revoked, restarted); a refused sign-in applied nothing.
            if self.http.tokens.pop(self.url, None) is None:
                raise
            return call(self._token())

    def renew(self) -> str:
        """A new token. Raises `CredentialsRejected` when none is given."""
        try:
            answer = self._ask()
        except RemoteRejected as error:
            raise CredentialsRejected(
                f"{self.giver} gives us no token: {self.ended}.", status=error.context.get("status")
            ) from error
        body = answer.body if isinstance(answer.body, dict) else {}
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise RemoteUnavailable(f"{self.giver}'s answer holds no token.")
        lifetime = _seconds(body.get("expires_in"))
        ends = time.monotonic() + lifetime - min(MARGIN, lifetime / 10)
        self.http.tokens[self.url] = (token, ends)
        return token

    def _token(self) -> str:
        token, ends = self.http.tokens.get(self.url, ("", 0.0))
        return token if time.monotonic() < ends else self.renew()

    def _ask(self) -> Answer:
        if self.url.startswith("/"):  # tokens are given where everything else is
            return self.http.call("POST", self.url, is_write=False, data=self.form)
        return call_elsewhere(self.http, "POST", self.url, data=self.form)


def _seconds(value: Any) -> float:
    # A string in some vendors' answers, a number in the RFC.
    try:
        return min(max(float(value), 0.0), LONGEST)
    except (TypeError, ValueError):
        return USUAL
