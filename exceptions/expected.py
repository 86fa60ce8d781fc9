"""What must happen next, by when, and who says so? One row per template, seeded into the admin.

A template's case has the code `expectations.<code>`; its row in `playbook.py` says what to press.

Which silence is no alarm:

* A held order waits for a person or on purpose, and its hold has a case of its own where one is
  needed. What the order itself must do next (`stands_still`) is paused meanwhile, and its clock
  goes on when the order does. What has left the house already is not paused by it.
* A cancelled order is expected to do nothing more, but to have its money given back.
* One order, one alarm: while any other case about the order is open, nothing is raised beside it.
* A connection that is down or wants a sign-in is one cause and has one case. One that somebody
  paused is expected to be resumed. What waits for either is raised only if it is still missing a
  quarter of an hour after the connection is back.
* Before anything is raised the records are asked once more: a fact that got lost is no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

from exceptions.play import HIGH, MEDIUM

PREFIX = "expectations."


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A template as it is shipped. `title` and `label` may use {subject}, {connection} and {span}.

    `label` is how an order's page says it. `effect` is the kind of effect that proves it, if one
    does. A recurring template is a heartbeat: meeting it opens it anew.
    """

    title: str
    label: str
    opened_by: str
    met_by: str
    minutes: int
    severity: int = MEDIUM
    effect: str = ""
    stands_still: bool = False
    is_recurring: bool = False


EXPECTED: dict[str, Expected] = {
    "order_in_erp": Expected(
        title="{subject} is not in {connection} after {span}",
        label="In {connection}",
        opened_by="An order is accepted",
        met_by="The ERP has the order",
        minutes=15,
        severity=HIGH,
        effect="order.post",
        stands_still=True,
    ),
    "node_acknowledged": Expected(
        title="{subject} is not on the books of {connection} after {span}",
        label="On the books of {connection}",
        opened_by="An order is placed at a node",
        met_by="The node took the release",
        minutes=60,
        severity=HIGH,
        effect="fulfillment.release",
        stands_still=True,
    ),
    "node_ships": Expected(
        title="{subject} has not left {connection} after {span}",
        label="Leaves {connection}",
        opened_by="The node took the release",
        met_by="All of it was shipped",
        minutes=24 * 60,
        stands_still=True,
    ),
    "tracking_on_channel": Expected(
        title="{connection} does not know the tracking of {subject} after {span}",
        label="Tracking in {connection}",
        opened_by="A parcel left",
        met_by="The channel has the shipment",
        minutes=30,
        severity=HIGH,
        effect="shipment.notify",
    ),
    "money_given_back": Expected(
        title="{subject} was cancelled, and its money is not given back after {span}",
        label="Money given back",
        opened_by="An order that was paid is cancelled",
        met_by="Refunds of all of it, or its payment is voided",
        minutes=24 * 60,
        severity=HIGH,
    ),
    "connection_resumed": Expected(
        title="{connection} is still paused after {span}",
        label="{connection} goes on",
        opened_by="Somebody pauses a connection",
        met_by="It is resumed",
        minutes=4 * 60,
        severity=HIGH,
    ),  # Opened for each node of a connection that is watched, with the minutes of that connection.
    "node_reports": Expected(
        title="{subject} has said nothing of its stock for {span}",
        label="{subject} reports its stock",
        opened_by="A node belongs to a watched connection",
        met_by="It says something of its stock",
        minutes=60,
        severity=HIGH,
        is_recurring=True,
    ),
}

# Said of a connection's own state, so that state is no excuse.
OF_CONNECTIONS = ("connection_resumed",)


def code_of(template: str) -> str:
    """The code of a template's cases."""
    return PREFIX + template


def is_expectation(code: str) -> bool:
    """True for the code of a case that was opened because nothing happened."""
    return code.startswith(PREFIX)


def in_words(text: str, *, subject: str, connection: str, minutes: int) -> str:
    """A title or label with its words filled in. What is no placeholder stays as it is."""
    words = {"subject": subject, "connection": connection or "its system", "span": span(minutes)}
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text[:1].upper() + text[1:]


def span(minutes: int) -> str:
    """`15 min`, `24 h`, `3 d`."""
    for size, unit in ((24 * 60, "d"), (60, "h")):
        if minutes % size == 0 and minutes > size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
