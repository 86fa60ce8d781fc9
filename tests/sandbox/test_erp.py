"""The ERP answers as NetSuite's REST services do."""

import asyncio
from typing import Any

import httpx
import pytest

from retailhub.sandbox.erp.access import TOKEN_PATH
from retailhub.sandbox.erp.system import RECORD
from tests.sandbox.estate import Running, log_in

pytestmark = pytest.mark.asyncio

ORDER = f"{RECORD}/salesOrder/eid:SO-1"
SUITEQL = "/services/rest/query/v1/suiteql"


def sales_order(code: str = "MUG-BLUE", quantity: int = 3) -> dict[str, Any]:
    line = {"item": {"externalId": code}, "quantity": quantity, "rate": 12.52}
    return {"entity": {"id": "1001"}, "otherRefNum": "#1001", "item": {"items": [line]}}


def error(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].startswith("https://www.w3.org/Protocols/rfc2616/")
    detail: dict[str, Any] = body["o:errorDetails"][0]
    return detail


async def transform(erp: Running, quantity: int, external_id: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"item": {"items": [{"orderLine": 1, "quantity": quantity}]}}
    if external_id:
        body["externalId"] = external_id
    return await erp.client.post(f"{ORDER}/!transform/itemFulfillment", json=body)


async def status(erp: Running) -> str:
    name: str = (await erp.client.get(ORDER)).json()["status"]["refName"]
    return name


async def query(erp: Running, text: str) -> httpx.Response:
    return await erp.client.post(SUITEQL, json={"q": text}, headers={"Prefer": "transient"})


async def test_upsert_creates_once_and_then_updates(erp: Running) -> None:
    answers = [await erp.client.put(ORDER, json=sales_order()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    by_id = await erp.client.get(answers[0].headers["Location"])
    assert by_id.json()["externalId"] == "SO-1"
    kinds = [(line.kind, line.reference) for line in erp.ledger]
    assert kinds == [("salesorder.created", "SO-1"), ("salesorder.updated", "SO-1")]


async def test_lines_are_shown_only_when_asked_for(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order())

    plain = (await erp.client.get(ORDER)).json()
    full = (await erp.client.get(ORDER, params={"expandSubResources": "true"})).json()

    assert "items" not in plain["item"]
    assert full["item"]["items"][0]["item"]["id"] == "2001"
    assert full["item"]["items"][0]["line"] == 1


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"entity": None}, "USER_ERROR", "entity"),
        ({"entity": {"id": "77"}}, "INVALID_KEY_OR_REF", "entity"),
        ({"item": {"items": []}}, "USER_ERROR", "item"),
        (sales_order("NOPE"), "INVALID_KEY_OR_REF", "item.items[0].item"),
        (sales_order(quantity=0), "USER_ERROR", "item.items[0].quantity"),
    ],
)
async def test_a_broken_rule_is_400_and_changes_nothing(
    erp: Running, change: dict[str, Any], code: str, path: str
) -> None:
    answer = await erp.client.put(ORDER, json={**sales_order(), **change})

    assert answer.status_code == 400
    assert (error(answer)["o:errorCode"], error(answer)["o:errorPath"]) == (code, path)
    assert len(erp.ledger) == 0


async def test_what_is_not_there_is_404(erp: Running) -> None:
    answer = await erp.client.get(ORDER)

    assert answer.status_code == 404
    assert error(answer)["o:errorCode"] == "NONEXISTENT_ID"


async def test_fulfilling_twice_ships_twice_without_an_external_id(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order())

    first, second = await transform(erp, 1), await transform(erp, 1)

    assert first.headers["Location"] != second.headers["Location"]
    assert await status(erp) == "Partially Fulfilled"
    assert erp.ledger.count_by_reference("itemfulfillment.created") == {"SO-1": 2}
    await transform(erp, 1)
    assert await status(erp) == "Pending Billing"
    assert error(await transform(erp, 1))["o:errorCode"] == "INVALID_INITIALIZE_REF"


async def test_an_external_id_lets_a_fulfilment_happen_once_and_be_found(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order())

    first, second = await transform(erp, 1, "IF-1"), await transform(erp, 1, "IF-1")

    assert first.status_code == 204
    assert "This record already exists" in error(second)["detail"]
    search = {"q": 'externalId IS "IF-1"'}
    found = (await erp.client.get(f"{RECORD}/itemFulfillment", params=search)).json()
    assert [item["id"] for item in found["items"]] == [first.headers["Location"].split("/")[-1]]


async def test_never_fulfils_more_than_was_ordered(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order(quantity=2))

    answer = await transform(erp, 3)

    assert error(answer)["o:errorCode"] == "USER_ERROR"
    assert await status(erp) == "Pending Fulfillment"


async def test_writing_an_order_anew_keeps_what_was_shipped(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order())
    await transform(erp, 2)

    await erp.client.put(ORDER, json=sales_order())

    assert await status(erp) == "Partially Fulfilled"


async def test_a_refund_is_created_once_per_external_id(erp: Running) -> None:
    body = {**sales_order(), "externalId": "RF-1"}

    answers = [await erp.client.post(f"{RECORD}/cashRefund", json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 400]
    assert erp.ledger.count_by_reference("cashrefund.created") == {"RF-1": 1}


async def test_suiteql_finds_by_external_id_and_by_change(erp: Running) -> None:
    await erp.client.put(ORDER, json=sales_order())

    by_id = await query(
        erp,
        "SELECT id, externalid, status, lastmodifieddate FROM transaction "
        "WHERE externalid = 'SO-1'",
    )
    changed = await query(
        erp,
        "SELECT id, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS changed FROM transaction "
        "WHERE lastmodifieddate >= TO_TIMESTAMP('2020-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS') "
        "AND type = 'SalesOrd' ORDER BY lastmodifieddate DESC",
    )
    nothing = await query(erp, "SELECT id FROM transaction WHERE status IN ('SalesOrd:C')")

    row = by_id.json()["items"][0]
    assert (row["externalid"], row["status"]) == ("SO-1", "B")
    assert len(changed.json()["items"][0]["changed"]) == len("2026-11-20 12:00:00")
    assert nothing.json()["totalResults"] == 0


@pytest.mark.parametrize(
    "text", ["", "DROP TABLE transaction", "SELECT colour FROM transaction WHERE externalid = 'x'"]
)
async def test_suiteql_it_cannot_read_is_400(erp: Running, text: str) -> None:
    await erp.client.put(ORDER, json=sales_order())

    answer = await query(erp, text)

    # An empty result has no row to miss a column in.
    assert answer.status_code == 400 or answer.json()["items"] == []


async def test_an_expired_token_is_401_until_a_new_one_is_fetched(erp: Running) -> None:
    await erp.control("/expire-tokens")
    refused = await erp.client.get(ORDER)
    await log_in(erp)
    renewed = await erp.client.put(ORDER, json=sales_order())

    assert refused.status_code == 401
    assert "invalid_token" in refused.headers["WWW-Authenticate"]
    assert error(refused)["o:errorCode"] == "INVALID_LOGIN"
    assert renewed.status_code == 204


async def test_tokens_live_as_long_as_they_are_told(erp: Running) -> None:
    await erp.set("/limits", token_lifetime_s=0.05)
    await log_in(erp)
    await asyncio.sleep(0.06)

    assert (await erp.client.get(ORDER)).status_code == 401


async def test_wrong_client_credentials_get_no_token(erp: Running) -> None:
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}

    answer = await erp.client.post(TOKEN_PATH, data=form)

    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client"}


async def test_a_sixth_call_at_once_is_one_too_many(erp: Running) -> None:
    await erp.faults(latency_ms=500)

    answers = await asyncio.gather(*(erp.client.get(ORDER) for _ in range(8)))

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 3
    assert error(refused[0])["o:errorCode"] == "CONCURRENCY_LIMIT_EXCEEDED"
    calls = (await erp.client.get("/_sandbox/calls")).json()["calls"]
    assert sum(1 for call in calls if call["status"] == 429) == 3
