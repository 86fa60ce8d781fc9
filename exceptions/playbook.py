"""What does this error mean, and what should one press? One row per stable code."""

from __future__ import annotations

from exceptions.play import CRITICAL, HIGH, MEDIUM, Play
from exceptions.silence_plays import SILENCE
from exceptions.stock_plays import STOCK

PLAYBOOK: dict[str, Play] = {
    **STOCK,
    **SILENCE,
    "connectors.mapping_missing": Play(
        "{table} “{external_code}” is not mapped for {connection}",
        "What waits for this row is kept and goes on as soon as it is saved.",
        "Choose what it means to us. Everything that waits for this row is replayed with it.",
        HIGH,
        60,
    ),
    "connectors.invalid_body": Play(
        "A message from {connection} can't be read",
        "Nothing of this message was applied.",
        "Correct the field that is named, or ask the sender to send it again.",
        HIGH,
        120,
    ),
    "connectors.key_conflict": Play(
        "{connection} sent two different messages under one id",
        "The first one was applied, this one was not.",
        "Compare the two. Replay applies this one; ignore keeps the first.",
        MEDIUM,
        240,
    ),
    "connectors.parent_missing": Play(
        "{connection} speaks of something we have not heard of",
        "The message is kept and tried again by itself.",
        "Check that the order came in. If it belongs elsewhere, ignore this message.",
        MEDIUM,
        120,
    ),
    "connectors.poison_crash": Play(
        "A message from {connection} ends its worker",
        "It was set aside so that it can harm nothing else.",
        "Tell the developers; replay it when they have corrected the cause.",
        HIGH,
        240,
    ),
    "connectors.unexpected": Play(
        "Something unforeseen happened with a message of {connection}",
        "Nothing of this step was applied.",
        "Tell the developers the trace id; replay when they have corrected the cause.",
        HIGH,
        240,
    ),
    "connectors.rule_unusable": Play(
        "A correction rule can't be used",
        "Messages are read as they arrive.",
        "Make the rule's conditions narrower, or correct the messages one by one.",
    ),
    "connectors.exhausted": Play(
        "{connection} did not answer until the deadline",
        "The effect is not there yet.",
        "Check the connection, then replay.",
        HIGH,
        60,
    ),
    "connectors.remote_unavailable": Play(
        "{connection} can't be reached",
        "The effect is not there yet.",
        "Check the connection, then replay.",
        HIGH,
        60,
    ),
    "connectors.throttled": Play(
        "{connection} kept asking us to slow down",
        "The effect is not there yet.",
        "Lower the connection's rate, then replay.",
        MEDIUM,
        120,
    ),
    "connectors.outcome_unknown": Play(
        "We can't tell whether {connection} applied it",
        "It will not be sent again before somebody has looked.",
        "Replay looks for it first and sends it only if it is not there.",
        CRITICAL,
        30,
        "Look, then replay",
    ),
    "connectors.receipts_disagree": Play(
        "{connection} has more than is on record here",
        "It may be there twice, or be there although it was not wanted.",
        "Look for each of them there and cancel the one too many. Then resolve.",
        CRITICAL,
        30,
    ),
    "connectors.rejected": Play(
        "{reason}",
        "Nothing was made there. It waits here until it is sent again.",
        "Correct what it complains about, in the source or in a mapping, then replay.",
        HIGH,
        60,
    ),
    "connectors.credentials_rejected": Play(
        "{connection} rejected our sign-in",
        "Everything for this connection waits; nothing is lost.",
        "Replace the credential, test the connection, resume it.",
        CRITICAL,
        30,
    ),
    "connectors.address_refused": Play(
        "The address of {connection} must not be called",
        "Nothing was sent.",
        "Correct the address of the connection in the admin.",
        HIGH,
        60,
    ),
    "connectors.connection_unusable": Play(
        "{connection} is not set up for what was asked",
        "What needs it waits.",
        "Complete the connection in the admin, then replay.",
        HIGH,
        60,
    ),
    "connectors.connection_down": Play(
        "{connection} is down",
        "What is owed to it waits and goes out by itself when it is back.",
        "Ask its operator. Nothing needs to be replayed.",
        CRITICAL,
        30,
        "",
    ),
    "exceptions.webhook_off": Play(
        "“{subscription}” is no longer told by webhook",
        "It failed for days, so it was switched off. What it was not told is kept.",
        "Correct its address in the admin and switch it on: it is told then. Resolve.",
        replay="",
    ),
    "orders.node_short": Play(
        "{reason}",
        "Part of the order will not be sent.",
        "Find the goods, or cancel the order in the shop.",
        HIGH,
        60,
        "Try again",
    ),
    "orders.cancelled_at_node": Play(
        "{reason}",
        "The order will not be sent from there.",
        "Ask the warehouse why. Replay places it again.",
        HIGH,
        60,
        "Place again",
    ),
    "privacy.requested": Play(
        "Privacy request: {reason}",
        "The law gives 30 days. Nothing was erased or told by itself.",
        "An admin answers it: find the orders named here, act, and resolve with what was done.",
        HIGH,
        24 * 60,
    ),
    "orders.payment_lost": Play(
        "{reason}",
        "Goods must not leave without the money. Warehouses that have the order are asked to stop.",
        "It closes by itself when all is stopped. Fetch back or charge what left, then resolve.",
        HIGH,
        60,
        "Let it go on",
    ),
    "orders.too_late_to_cancel": Play(
        "Cancelled in the shop after goods had left",
        "The customer expects no parcel, but one is on its way.",
        "Tell the customer, and plan the return. Resolve when that is done.",
        HIGH,
        60,
    ),
    "orders.changed_after_release": Play(
        "Changed in the shop after the warehouse began",
        "The warehouse works on the old lines.",
        "Call the warehouse, or cancel and place the order again in the shop.",
        HIGH,
        60,
    ),
    "orders.partly_under_way": Play(
        "{reason}",
        "Part of the order is on its way; the rest waits for you.",
        "Find the goods for the rest, or refund it in the shop. Then resolve.",
        HIGH,
        60,
    ),
    "orders.ships_too_much": Play(
        "{reason}",
        "The shipment is not on record yet.",
        "Ask the warehouse what left, correct the message, replay.",
        HIGH,
        60,
    ),
    "orders.no_node_connection": Play(
        "{reason}",
        "The order can't be released.",
        "Add the location to a warehouse connection's mapping, then replay.",
        HIGH,
        60,
        "Try again",
    ),
    "orders.unexpected": Play(
        "Something unforeseen stopped an order",
        "The order is held.",
        "Tell the developers the trace id; replay when they have corrected the cause.",
        HIGH,
        240,
        "Try again",
    ),
}

_DEFAULT = Play(
    "Something needs a look: {reason}",
    "It waits.",
    "Read what happened below, then replay or resolve.",
)


class _Context(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return {"connection": "a system"}.get(key, "")


def play_of(code: str) -> Play:
    """The row for `code`."""
    return PLAYBOOK.get(code, _DEFAULT)


def title_of(code: str, context: dict[str, str]) -> str:
    """The problem in business words, for a list."""
    values = _Context({k: str(v) for k, v in context.items()})
    if (table := values.get("table", "SKU")) != "SKU":
        values["table"] = table.replace("_", " ").capitalize()
    return play_of(code).title.format_map(values).strip().rstrip(":")[:300]


def cause_title_of(code: str, context: dict[str, str]) -> str:
    """The title of all problems of one cause, where their own name single orders."""
    values = _Context({k: str(v) for k, v in context.items()})
    return play_of(code).cause.format_map(values)[:300]
