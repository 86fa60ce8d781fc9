"""The playbook's rows about silence: nothing failed, and yet it is not there."""

from __future__ import annotations

from exceptions.play import HIGH, MEDIUM, Play

SILENCE: dict[str, Play] = {
    "connectors.missing": Play(
        "{sentence}",
        "It came later than it should. Nothing else is lost.",
        "It closes by itself. If there are many, check the webhooks in the system's own admin.",
        MEDIUM,
        240,
        cause="{connection} does not tell us of every order",
    ),
    "expectations.order_in_erp": Play(
        "{sentence}",
        "Finance does not know the order.",
        "Look again asks at once for what is owed. If it was never asked, tell the developers.",
        HIGH,
        60,
        "Look again",
        cause="Orders are not in {connection} in time",
    ),
    "expectations.node_acknowledged": Play(
        "{sentence}",
        "Nobody picks the order.",
        "Look again asks at once for what is owed. If the node is closed, cancel or reroute.",
        HIGH,
        60,
        "Look again",
        cause="Orders are not on the books of {connection} in time",
    ),
    "expectations.node_ships": Play(
        "{sentence}",
        "The customer waits.",
        "Ask the node what is in the way. The case closes by itself when the goods leave.",
        MEDIUM,
        240,
        "",
        cause="Orders do not leave {connection} in time",
    ),
    "expectations.tracking_on_channel": Play(
        "{sentence}",
        "The customer does not know that the parcel is on its way.",
        "Look again asks at once for what is owed.",
        HIGH,
        60,
        "Look again",
        cause="{connection} does not learn of shipments in time",
    ),
    "expectations.money_given_back": Play(
        "{sentence}",
        "The customer paid for what will not come.",
        "Refund it in the shop, or ask finance. Look again when the payment was voided instead.",
        HIGH,
        240,
        "Look again",
        cause="Money of cancelled orders is not given back in time",
    ),
    "expectations.connection_resumed": Play(
        "{sentence}",
        "Everything for it waits; nothing is lost.",
        "Ask whoever paused it, and resume it on its page. The case closes by itself then.",
        HIGH,
        60,
        "",
        cause="{connection} stays paused",
    ),
}
