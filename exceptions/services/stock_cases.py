"""Cases about what a channel is told and shows; each names its offer, and closes with its cure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from connectors.models import Connection
from exceptions.expected import span
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import Problem, close_cured, open_case
from inventory.events import LateChannel, StockRefused
from inventory.models import Channel, ChannelOffer, Publication
from inventory.services.tell_again import tell_again

DRIFT = "inventory.drift"
LATE = "inventory.lag"
_MISSING = "connectors.mapping_missing"


def open_refusal(refusal: StockRefused, *, now: datetime) -> None:
    """A channel did not take the newest number of an offer.

    A missing row of a mapping is one problem, however many offers wait for it.
    """
    offer = _offer(refusal.offer_id)
    row = {name: refusal.context.get(name, "") for name in ("table", "external_code")}
    subject: dict[str, Any] = row if refusal.code == _MISSING else {"offer_id": offer.pk}
    _open(offer, refusal.code, refusal.detail, dict(refusal.context), subject, now)


def open_drift(*, offer_id: int, now: datetime) -> None:
    """A channel shows another number than it was told, and nothing explains it."""
    offer = _offer(offer_id)
    numbers = {"published": offer.published_quantity, "observed": offer.observed_quantity}
    told = f"told {numbers['published']}, shows {numbers['observed']}"
    subject = {"offer_id": offer.pk}
    _open(offer, DRIFT, f"{offer.item.sku}: {told}", numbers, subject, now)


def close_cured_offers(*, offer_ids: Sequence[int], now: datetime) -> None:
    """Channels have, or show, the right numbers again."""
    cases = ExceptionCase.objects.filter(
        state__in=OPEN_STATES, inbound=None, outbound=None, order=None
    )
    close_cured(cases.filter(context__offer_id__in=list(offer_ids)), how="by itself", now=now)


def open_late(channels: Sequence[LateChannel], *, now: datetime) -> None:
    """A channel does not hear of changes within what it was promised: one case each."""
    rows = Channel.objects.in_bulk([late.channel_id for late in channels])
    known = _late_cases([late.channel_id for late in channels])
    is_open = set(known.values_list("context__channel_id", flat=True))
    # It is said again every half minute, and a number that grows is no news.
    for late in (late for late in channels if late.channel_id not in is_open):
        channel = rows[late.channel_id]
        connection: Connection | None = getattr(channel, "connection", None)
        subject = {"channel_id": channel.pk}
        problem = Problem(
            code=LATE,
            detail=_how_late(late),
            context={**subject, "promised": late.promised, "oldest": late.oldest, "p95": late.p95},
            connection_id=connection.pk if connection else None,
            connection_name=connection.name if connection else channel.name,
            subject=subject,
        )
        open_case(problem, now=now)


def close_late(*, channel_ids: Sequence[int], now: datetime) -> None:
    """These channels hear of changes in time again."""
    close_cured(_late_cases(channel_ids), how="by itself", now=now)


def _late_cases(channel_ids: Sequence[int]) -> QuerySet[ExceptionCase]:
    cases = ExceptionCase.objects.filter(code=LATE, state__in=OPEN_STATES)
    return cases.filter(context__channel_id__in=list(channel_ids))


def _how_late(late: LateChannel) -> str:
    promised = f"It is to hear within {_minutes(late.promised)}"
    if late.oldest > late.promised:
        return f"{promised}; what changed {_minutes(late.oldest)} ago it does not know yet."
    return f"{promised}; lately it took {_minutes(late.p95)}."


def _minutes(seconds: int) -> str:
    return span(math.ceil(seconds / 60))


def push_offer(*, offer_id: int) -> bool:
    """Have the newest number of an offer told again. Says whether there is such an offer."""
    offer = ChannelOffer.objects.filter(pk=offer_id).first()
    return offer is not None and bool(
        tell_again(
            reason=Publication.Reason.PUSH, channel_id=offer.channel_id, item_ids=[offer.item_id]
        )
    )


def _offer(offer_id: int) -> ChannelOffer:
    return ChannelOffer.objects.select_related("item", "channel__connection").get(pk=offer_id)


def _open(
    offer: ChannelOffer,
    code: str,
    detail: str,
    context: dict[str, Any],
    subject: dict[str, Any],
    now: datetime,
) -> None:
    connection: Connection | None = getattr(offer.channel, "connection", None)
    about = {"offer_id": offer.pk, "sku": offer.item.sku, "channel": offer.channel.code}
    open_case(
        Problem(
            code=code,
            detail=detail,
            context={**context, **about},
            connection_id=connection.pk if connection else None,
            connection_name=connection.name if connection else offer.channel.name,
            subject=subject,
        ),
        now=now,
    )
