"""What the desk does about what channels are told and show. One service call each."""

from __future__ import annotations

from django.utils import timezone

from exceptions.services import stock_cases
from inventory.events import ChannelsInTime, ChannelsLate, OffersCured, StockDrifted, StockRefused


def open_case_for_refusal(event: StockRefused) -> None:
    """A channel did not take a number."""
    stock_cases.open_refusal(event, now=timezone.now())


def open_case_for_drift(event: StockDrifted) -> None:
    """A channel shows another number than it was told."""
    stock_cases.open_drift(offer_id=event.offer_id, now=timezone.now())


def open_cases_for_late_channels(event: ChannelsLate) -> None:
    """Channels do not hear of changes in time."""
    stock_cases.open_late(event.channels, now=timezone.now())


def close_cases_of_channels_in_time(event: ChannelsInTime) -> None:
    """They do again."""
    stock_cases.close_late(channel_ids=event.channel_ids, now=timezone.now())


def close_cured(event: OffersCured) -> None:
    """Channels have, or show, the right numbers again."""
    stock_cases.close_cured_offers(offer_ids=event.offer_ids, now=timezone.now())
