"""How is Business Central asked? OData under an hour's token of Microsoft Entra.

`inventory` is summed up when it is asked for: an item that sold is not modified by it. So the turn
first reads whose ledger moved since, then the items that were themselves modified.
https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.systems.base import ASKED_FOR, Account, Envelope, PolledMessage, PollPage
from connectors.systems.dynamics.mapping import COUNT_TOPIC
from connectors.systems.http import (
    Answer,
    HttpClient,
    RemoteRejected,
    RemoteUnavailable,
)
from connectors.systems.tokens import Tokens

LOGIN = "https://login.microsoftonline.com"
SCOPE = "https://api.businesscentral.dynamics.com/.default"
# So many items are named in one filter: its URL stays far below what servers take.
PAGE = 50
MAX_QUERY = 800  # what is kept of a turn that isn't done
NEXT = "@odata.nextLink"


def poll_items(http: HttpClient, account: Account, cursor: str, since: datetime) -> PollPage:
    """One page of items whose stock or record changed. `cursor` is a path on the same host."""
    company = _Company(http, account)
    path = cursor or company.entries_since(since)
    answer, rows = company.page(path)
    is_ledger = "/itemLedgerEntries?" in path
    link = _object(answer).get(NEXT)
    if link:
        position = company.path_of(str(link))
    else:
        position = company.items_since(since) if is_ledger else ""
    if is_ledger:
        numbers = sorted({str(row["itemNumber"]) for row in rows if row.get("itemNumber")})
        answer, rows = company.named(numbers) if numbers else (answer, [])
    return PollPage(
        messages=[company.message(row, _moment_of(answer)) for row in rows],
        cursor=position,
        has_more=bool(position),
    )


class _Company:
    """One company of one environment."""

    def __init__(self, http: HttpClient, account: Account) -> None:
        self._http, self._account = http, account
        self._base = urlsplit(http.base_url)

    def entries_since(self, since: datetime) -> str:
        """The path of the ledger's first page."""
        return self._path("itemLedgerEntries", f"lastModifiedDateTime gt {_stamp(since)}")

    def items_since(self, since: datetime) -> str:
        """The path of the first page of items that were modified."""
        return self._path("items", f"lastModifiedDateTime gt {_stamp(since)}")

    def named(self, numbers: Sequence[str]) -> tuple[Answer, list[dict[str, Any]]]:
        """These items, at most a page of them."""
        names = (number.replace("'", "''") for number in numbers)
        wanted = " or ".join(f"number eq '{name}'" for name in names)
        answer, rows = self.page(self._path("items", wanted))
        if _object(answer).get(NEXT):
            raise RemoteUnavailable("Business Central cut a page of named items.")
        return answer, rows

    def page(self, path: str) -> tuple[Answer, list[dict[str, Any]]]:
        """The rows of a page, and the answer they came in."""
        answer = self._read(path)
        rows = _object(answer).get("value")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise RemoteUnavailable("Business Central's answer holds no list of rows.")
        return answer, rows

    def path_of(self, link: str) -> str:
        """The path of the next page. Refuses one elsewhere: our token would go there."""
        parts = urlsplit(link)
        at_home = (parts.scheme, parts.netloc) == (self._base.scheme, self._base.netloc)
        root = self._base.path.rstrip("/")
        if not at_home or not parts.path.startswith(f"{root}/") or ".." in parts.path:
            raise RemoteRejected("Business Central's next page is not on the connection's address.")
        path = parts.path[len(root) :]
        if len(parts.query) > MAX_QUERY:
            raise RemoteRejected(f"The query of its next page is longer than {MAX_QUERY}.")
        return f"{path}?{parts.query}" if parts.query else path

    def message(self, item: Mapping[str, Any], counted_at: str) -> PolledMessage:
        """An item as a message: what it had at that moment."""
        body = {"item": item, "location": self._setting("location"), "counted_at": counted_at}
        content = json.dumps(body, sort_keys=True).encode()
        # Read twice within a second it may have sold in between.
        key = f"{ASKED_FOR}{item.get('id')}:{sha256(content).hexdigest()}"[:200]
        return PolledMessage(
            envelope=Envelope(
                topic=COUNT_TOPIC,
                key=key,
                lane=f"event:{key}"[:160],
                entity_id=str(item.get("number") or "")[:140],
            ),
            body=content,
        )

    def _path(self, what: str, wanted: str) -> str:
        company = quote(self._setting("company_id"), safe="")
        return f"/api/v2.0/companies({company})/{what}?$filter={quote(wanted, safe='')}"

    def _setting(self, name: str) -> str:
        value = self._account.settings.get(name)
        if not value or not isinstance(value, str):
            raise RemoteRejected(f"The connection lacks the setting {name}.")
        return value

    @property
    def _tokens(self) -> Tokens:
        secrets = self._account.secrets
        form = {
            "grant_type": "client_credentials",
            "client_id": secrets.get("client_id", ""),
            "client_secret": secrets.get("client_secret", ""),
            "scope": str(self._account.settings.get("scope") or SCOPE),
        }
        url = str(self._account.settings.get("token_url") or "")
        if not url:
            url = f"{LOGIN}/{quote(self._setting('tenant_id'), safe='')}/oauth2/v2.0/token"
        ended = "the app's id, secret or consent has ended"
        return Tokens(self._http, "Microsoft Entra", url, form, ended)

    def _read(self, path: str) -> Answer:
        def call(token: str) -> Answer:
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            headers["Prefer"] = f"odata.maxpagesize={PAGE}"
            return self._http.read(path, headers=headers)

        return self._tokens.signed(call)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment_of(answer: Answer) -> str:
    """When it was answered, by their clock: stock that moves later is another count."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        moment = datetime.now(UTC)
    return moment.astimezone(UTC).isoformat()


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.body, dict):
        raise RemoteUnavailable("Business Central's answer is not an object.")
    return answer.body
