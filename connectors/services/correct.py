"""A stopped message gets a corrected body. What arrived stays; every version says who and why."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from connectors.lifecycle import InboundState
from connectors.models import InboundMessage, MessageVersion
from connectors.registry import PARSERS
from connectors.services.reading import read_body

CORRECTABLE = frozenset({InboundState.DEAD, InboundState.PARKED, InboundState.WAITING})


def is_correctable(system: str) -> bool:
    """Whether messages of `system` can be written by hand. EDI is sent again by who sent it."""
    return system not in PARSERS


@transaction.atomic
def correct_message(
    *,
    message_id: int,
    body: bytes | None,
    based_on: int,
    author_id: int,
    reason: str,
    now: datetime,
) -> MessageVersion | None:
    """Keep `body` as the next version and read that one from now on; None is what arrived, again.

    Answers None, and changes nothing, when version `based_on` is not the newest any more or the
    message has not stopped. Raises `NeedsOperator` naming the field when it could not be read.
    """
    row = InboundMessage.objects.select_for_update().get(pk=message_id)
    if row.state not in CORRECTABLE or newest_version(row) != based_on:
        return None
    if body is not None:
        read_body(row, body)
    row.edited_body = body
    row.save(update_fields=["edited_body"])
    return MessageVersion.objects.create(
        message=row,
        number=based_on + 1,
        body=body,
        author_id=author_id,
        reason=reason,
        created_at=now,
    )


def newest_version(message: InboundMessage) -> int:
    """The number of the newest version; 1 while nobody corrected anything."""
    newest = message.versions.order_by("-number").values_list("number", flat=True).first()
    return newest or 1
