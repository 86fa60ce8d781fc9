"""What a channel took, refused, or was moved to by somebody else."""

from __future__ import annotations

from datetime import datetime

from inventory.models import Channel, ChannelOffer, Publication
from inventory.services.told import Overtaken, Refused, note_told
from tests.inventory.publish.conftest import Count
from tests.inventory.publish.telling import decide, told

R = Publication.Reason
S = Publication.State


def test_what_the_channel_took_is_what_it_was_told(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    decide(now)
    row = Publication.objects.get()

    note_told(taken=[row.pk], now=now)
    note_told(taken=[row.pk], now=now)

    row.refresh_from_db()
    offer = ChannelOffer.objects.get()
    assert (row.state, row.sent_at) == (S.SENT, now)
    assert (offer.published_quantity, offer.published_at) == (7, now)


def test_a_refused_number_fails_alone(market: Channel, count: Count, now: datetime) -> None:
    count("MUG", 7)
    count("PLATE", 3)
    decide(now)
    mug, plate = Publication.objects.order_by("item__sku")

    refused = Refused(publication_id=plate.pk, code="connectors.rejected", detail="No such SKU")
    note_told(taken=[mug.pk], refused=[refused], now=now)

    assert told(market) == [("MUG", 7, R.CHANGE, S.SENT), ("PLATE", 3, R.CHANGE, S.FAILED)]
    assert Publication.objects.get(state=S.FAILED).error_detail == "No such SKU"


def test_a_number_that_somebody_else_moved_is_decided_again(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    decide(now)
    row = Publication.objects.get()

    note_told(overtaken=[Overtaken(publication_id=row.pk, quantity=4)], now=now)
    decide(now)

    offer = ChannelOffer.objects.get()
    assert (offer.observed_quantity, offer.observed_at, offer.refusals) == (4, now, 1)
    assert [(n, r, s) for _, n, r, s in told(market)] == [
        (7, R.CHANGE, S.SUPERSEDED), (7, R.DRIFT, S.OWED),
    ]  # fmt: skip
