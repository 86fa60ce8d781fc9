"""The playbook's rows about stock: too little, wrongly told, or not what the ledger says."""

from __future__ import annotations

from exceptions.play import CRITICAL, HIGH, LOW, MEDIUM, Play

STOCK: dict[str, Play] = {
    "inventory.insufficient_stock": Play(
        "Not enough stock: {reason}",
        "The order is held before the warehouse.",
        "It goes on by itself when stock is counted or freed. Or cancel it in the shop.",
        MEDIUM,
        240,
        "Try again",
    ),
    "inventory.reservation_unknown": Play(
        "A reservation is asked for that was never made: {reason}",
        "Nothing was changed.",
        "Check the reference with whoever asked.",
        LOW,
        240,
    ),
    "inventory.reservation_ended": Play(
        "A reservation is over: {reason}",
        "Its units may have been promised to others.",
        "Reserve again under a new reference.",
        MEDIUM,
        120,
    ),
    "inventory.reservation_conflict": Play(
        "Two different requests came under one name: {reason}",
        "The first one counts, the other changed nothing.",
        "Ask the sender to use a new key or reference for each request.",
        MEDIUM,
        240,
    ),
    "inventory.overdrawn": Play(
        "More is promised than is there: {what}",
        "One of the promises can't be kept unless goods are found.",
        "Recount, or decide with the shop which order to cancel.",
        HIGH,
        60,
    ),
    "expectations.node_reports": Play(
        "{sentence}",
        "What it holds is not known. Until it speaks, its connection's fallback counts.",
        "Ask the node. What channels are told follows by itself as soon as it is heard again.",
        HIGH,
        60,
        "Look again",
        cause="Nodes of {connection} say nothing of their stock",
    ),
    "inventory.lag": Play(
        "{connection} does not hear of stock changes in time",
        "It sells by old numbers: what is gone can still be bought there.",
        "Open its connection: resume it if it is paused, see its incident if it is down, give it a"
        " higher rate if calls wait for their turn. It closes by itself when it is in time again.",
        HIGH,
        60,
        "",
    ),
    "inventory.drift": Play(
        "{connection} shows {observed} of {sku}, it was told {published}",
        "Customers there see a number that is not ours: it may sell what is not there.",
        "An order of it that is stuck here may explain it; else see who writes stock there."
        " “Push again” tells it our number.",
        HIGH,
        60,
        "Push again",
    ),
    "inventory.recount_asked": Play(
        "Count {sku} at {node}: it should hold {on_hand}",
        "Until somebody has counted, the number we have is what may be sold.",
        "Count the shelf and enter it at the node. The case closes when the count comes in.",
        MEDIUM,
        240,
        "",
        "Somebody doubts a number",
    ),
    "inventory.ledger_differs": Play(
        "{differing} stock levels are not what their movements say",
        "What may be sold of them is not certain.",
        "Tell the developers. Count the shelves that are named; a count sets them right.",
        CRITICAL,
        60,
    ),
    "inventory.unit_unknown": Play(
        "{sku} is not counted in “{unit}”",
        "This count or movement is not on record.",
        "Add the unit to the item in the admin, with how many it holds. Then replay.",
        MEDIUM,
        120,
    ),
    "inventory.not_whole": Play(
        "{reason}",
        "This count or movement is not on record.",
        "Correct the quantity in the source, or the item's unit in the admin. Then replay.",
        MEDIUM,
        120,
    ),
    "inventory.snapshot_shrank": Play(
        "A stock file of {connection} is less than half of the one before",
        "Nothing of it was applied; the levels are as they were.",
        "Ask the sender whether the file is whole. If it is, apply it anyway.",
        HIGH,
        60,
        "Apply anyway",
    ),
    "inventory.snapshot_codes": Play(
        "{unknown} rows of a stock file of {connection} name what we don't know",
        "The other rows were applied; these wait for you.",
        "Map the codes under Mappings, or add the items. Then run the file again.",
        MEDIUM,
        240,
        "Run again",
    ),
    "inventory.snapshot_unreadable": Play(
        "A stock file of {connection} can't be read",
        "Nothing of it was applied; the levels are as they were.",
        "Ask the sender for another file; it may come under a new key.",
        HIGH,
        60,
        "Run again",
    ),
    "inventory.snapshot_key_reused": Play(
        "{connection} sent two different stock files under one key",
        "The first one counts.",
        "Ask the sender to use a new key for each file.",
        MEDIUM,
        240,
    ),
    "connectors.not_authoritative": Play(
        "{connection} wrote stock at {location}, which is not its own to write",
        "What it wrote was not applied.",
        "Ask why it writes there. If it should, change the system of record, then replay.",
        MEDIUM,
        240,
    ),
}
