"""Only who knows a secret gets in, whatever the header looks like."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from connectors.systems.base import SignatureInvalid
from connectors.systems.custom import Custom
from connectors.systems.shopify import Shopify
from connectors.systems.signatures import sign_standard_webhook, standard_key
from connectors.systems.warehouse import Warehouse

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

# Both signatures come from `openssl dgst -sha256 -hmac <key> -binary | base64`, not from our code.
SHOP_BODY = b'{"id":6120000000001,"name":"#1001"}'
SHOP_SECRET = "shpss_known_answer"
SHOP_SIGNATURE = "VfxOML+xw2KLxdPpZLBYxOhbezOGg0E6AHuCsvdgBn0="
BODY = b'{"type":"order.picked"}'
SECRET = "whsec_a25vd24tYW5zd2VyLXNlY3JldC0wMDE="  # base64 of known-answer-secret-001
HEADERS = {
    "webhook-id": "evt_00000042",
    "webhook-timestamp": "1795176000",
    "webhook-signature": "v1,wY7nm9k/WcYYvWUx677EV0/vreKPXmxT94D+nDQM24c=",
}
ELSE = "v1,AAAAm9k/WcYYvWUx677EV0/vreKPXmxT94D+nDQM24c="


@pytest.mark.parametrize("name", ["x-shopify-hmac-sha256", "shopify-hmac-sha256"])
@pytest.mark.parametrize("secrets", [[SHOP_SECRET], ["newer", SHOP_SECRET], [SHOP_SECRET, ""]])
def test_shopify_passes_either_spelling_and_any_valid_secret(name: str, secrets: list[str]) -> None:
    Shopify().verify({name: SHOP_SIGNATURE}, SHOP_BODY, secrets, NOW)


@pytest.mark.parametrize(
    ("headers", "body", "secrets"),
    [
        ({}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": ""}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": "not base64!"}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": "VfxÖ"}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE[:-4]}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE + " "}, SHOP_BODY, [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE}, SHOP_BODY + b" ", [SHOP_SECRET]),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE}, SHOP_BODY, ["another"]),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE}, SHOP_BODY, []),
        ({"x-shopify-hmac-sha256": SHOP_SIGNATURE}, SHOP_BODY, [""]),
    ],
)
def test_shopify_refuses_all_else(headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(SignatureInvalid):
        Shopify().verify(headers, body, secrets, NOW)


def test_an_empty_secret_signs_nothing() -> None:
    # HMAC with an empty key is computable by anybody.
    anybodys = base64.b64encode(hmac.digest(b"", SHOP_BODY, "sha256")).decode()

    with pytest.raises(SignatureInvalid):
        Shopify().verify({"x-shopify-hmac-sha256": anybodys}, SHOP_BODY, [""], NOW)


@pytest.mark.parametrize("source", [Warehouse(), Custom()])
@pytest.mark.parametrize(
    "signature",
    [
        HEADERS["webhook-signature"],
        f"{ELSE} {HEADERS['webhook-signature']}",
        f"v1a,xyz {HEADERS['webhook-signature']} {ELSE}",
    ],
)
def test_standard_webhooks_pass_any_of_several_signatures(
    source: Warehouse | Custom, signature: str
) -> None:
    source.verify(HEADERS | {"webhook-signature": signature}, BODY, ["whsec_b3RoZXI=", SECRET], NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_00000043"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1795176001"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "１７９５１７６０００"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-signature": ""},
        {"webhook-signature": ELSE},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": HEADERS["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": "v1,"},
    ],
)
def test_standard_webhooks_refuse_what_was_not_signed(change: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        Warehouse().verify(HEADERS | change, BODY, [SECRET], NOW)


@pytest.mark.parametrize("away", [-300, -299, 0, 300])
def test_standard_webhooks_pass_within_five_minutes(away: int) -> None:
    Warehouse().verify(HEADERS, BODY, [SECRET], NOW + timedelta(seconds=away))


@pytest.mark.parametrize("away", [-301, 301, 86_400])
def test_standard_webhooks_refuse_a_replay_from_another_time(away: int) -> None:
    with pytest.raises(SignatureInvalid, match="five minutes"):
        Warehouse().verify(HEADERS, BODY, [SECRET], NOW + timedelta(seconds=away))


def test_a_secret_that_is_not_base64_is_its_own_key() -> None:
    assert standard_key(SECRET) == b"known-answer-secret-001"
    assert standard_key("plain-secret!") == b"plain-secret!"


def test_we_sign_as_the_known_answer_says() -> None:
    signed = sign_standard_webhook("evt_00000042", BODY, SECRET, at=int(NOW.timestamp()))

    assert signed == HEADERS
