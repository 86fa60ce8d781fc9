"""NetSuite as a sink for orders, their closing and what left the warehouse."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from connectors.systems.base import (
    Account,
    Intent,
    IntentKind,
    MappingMissing,
    MappingTable,
    Receipt,
)
from connectors.systems.http import HttpClient, RemoteRejected
from connectors.systems.netsuite.client import NetSuiteApi, Refusal, refusals
from connectors.systems.netsuite.mapping import (
    is_closed,
    sent_codes,
    write_closing,
    write_item_fulfillment,
    write_sales_order,
)

_LINE = re.compile(r"item\.items\[(\d+)\]")


class NetSuite:
    """Sales orders and item fulfilments out."""

    kinds = frozenset({IntentKind.POST_ORDER, IntentKind.CANCEL_ORDER, IntentKind.POST_FULFILLMENT})
    # An upsert under our reference, a closing and a fulfilment with our external id, which NetSuite
    # refuses to make twice: none of them can happen twice.
    repeatable = kinds

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply the effect. Raises `RetryLater`, `OutcomeUnknown` or `NeedsOperator`."""
        return _SEND[intent.kind](NetSuiteApi(http, account, intent.trace_id), intent)

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """The receipt if the effect is already there, else None. A read, never a write."""
        return _LOOK_UP[intent.kind](NetSuiteApi(http, account, intent.trace_id), intent)

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """That we may sign in and read sales orders."""
        return NetSuiteApi(http, account).probe()


def _post_order(api: NetSuiteApi, intent: Intent) -> Receipt:
    if not api.account.settings.get("customer_id"):
        raise RemoteRejected(
            "The connection lacks the setting customer_id: "
            "the internal id of the NetSuite customer that web orders are booked on."
        )
    request = write_sales_order(intent.payload, intent.codes, api.account.settings)
    try:
        external_id = api.upsert("salesOrder", intent.payload["reference"], request)
    except RemoteRejected as error:
        _name_missing_code(error, intent)
        raise
    return Receipt(external_id=external_id, request=request)


def _find_order(api: NetSuiteApi, intent: Intent) -> Receipt | None:
    return _receipt(api.find("salesOrder", intent.payload["reference"]))


def _cancel_order(api: NetSuiteApi, intent: Intent) -> Receipt:
    order = _sales_order(api, intent.payload["reference"])
    if is_closed(order):
        return Receipt(external_id=str(order["id"]), detail="was closed already", response=order)
    request = write_closing(intent.payload, order)
    external_id = api.change("salesOrder", intent.payload["reference"], request)
    return Receipt(external_id=external_id, request=request)


def _find_closed(api: NetSuiteApi, intent: Intent) -> Receipt | None:
    order = _sales_order(api, intent.payload["reference"])
    return _receipt(order) if is_closed(order) else None


def _post_fulfillment(api: NetSuiteApi, intent: Intent) -> Receipt:
    order_reference = intent.payload["order_reference"]
    try:
        request = write_item_fulfillment(intent.payload, _sales_order(api, order_reference))
    except LookupError as error:
        raise RemoteRejected(
            f"NetSuite's order {order_reference} has no line {error.args[0]}.", line=error.args[0]
        ) from error
    try:
        return Receipt(external_id=api.fulfill(order_reference, request), request=request)
    except RemoteRejected:
        # Refused because an earlier call of ours made it: that is the receipt.
        if found := _find_fulfillment(api, intent):
            return found
        raise


def _find_fulfillment(api: NetSuiteApi, intent: Intent) -> Receipt | None:
    return _receipt(api.find("itemFulfillment", intent.payload["reference"]))


def _sales_order(api: NetSuiteApi, reference: str) -> dict[str, Any]:
    order = api.find("salesOrder", reference)
    if order is None:
        raise RemoteRejected(f"NetSuite has no sales order {reference}.", reference=reference)
    return order


def _receipt(record: dict[str, Any] | None) -> Receipt | None:
    if record is None:
        return None
    return Receipt(
        external_id=str(record.get("id", "")), detail="found in NetSuite", response=record
    )


def _name_missing_code(error: RemoteRejected, intent: Intent) -> None:
    """A key that NetSuite does not know is a missing row of ours: name it by our own code."""
    for refusal in refusals(error):
        if refusal.code == "INVALID_KEY_OR_REF":
            _name_item(refusal, intent, error)
            _name_method(refusal, intent, error)


def _name_item(refusal: Refusal, intent: Intent, error: RemoteRejected) -> None:
    place, codes = _LINE.match(refusal.path), sent_codes(intent.payload)
    if place is None or int(place[1]) >= len(codes):
        return
    if refusal.path.endswith(".item"):
        sku = codes[int(place[1])]
        _raise_missing(f"SKU {sku} is unknown in NetSuite.", MappingTable.SKU, sku, error)
    lines = intent.payload["lines"]
    if "tax" in refusal.path.lower() and int(place[1]) < len(lines):
        code = lines[int(place[1])].get("tax_code", "")
        said = f"Tax code {code} is unknown in NetSuite."
        _raise_missing(said, MappingTable.TAX_CODE, code, error)


def _name_method(refusal: Refusal, intent: Intent, error: RemoteRejected) -> None:
    if refusal.path.startswith("shipMethod"):
        method = intent.payload.get("shipping_method", "")
        said = f"Shipping method {method} is unknown in NetSuite."
        _raise_missing(said, MappingTable.SHIPPING_METHOD, method, error)


def _raise_missing(said: str, table: MappingTable, code: str, error: RemoteRejected) -> NoReturn:
    raise MappingMissing(said, table=table.value, external_code=code) from error


_SEND: dict[IntentKind, Callable[[NetSuiteApi, Intent], Receipt]] = {
    IntentKind.POST_ORDER: _post_order,
    IntentKind.CANCEL_ORDER: _cancel_order,
    IntentKind.POST_FULFILLMENT: _post_fulfillment,
}
_LOOK_UP: dict[IntentKind, Callable[[NetSuiteApi, Intent], Receipt | None]] = {
    IntentKind.POST_ORDER: _find_order,
    IntentKind.CANCEL_ORDER: _find_closed,
    IntentKind.POST_FULFILLMENT: _find_fulfillment,
}
