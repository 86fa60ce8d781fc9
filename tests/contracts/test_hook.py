"""Every payload of Shopify that anybody collected goes through the real hook to an end."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors.models import InboundMessage
from retailhub.contracts import judge_shopify
from tests.contracts.samples import contracts_folder, needs_contracts

pytestmark = [needs_contracts, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("years", ["webhooks_2023-01", "webhooks_2024-10", "vcr_spree_importer"])
def test_every_sample_is_an_order_that_adds_up_or_ends_by_name(years: str) -> None:
    folder = contracts_folder()
    assert folder is not None

    verdicts = list(judge_shopify(folder / "shopify" / years))

    ends = Counter(verdict.outcome for verdict in verdicts)
    assert ends["ORDER"] > 0
    assert set(ends) <= {"ORDER", "IGNORED", "DEAD", "PARKED"}
    assert all(verdict.reason for verdict in verdicts)
    unread = InboundMessage.objects.filter(error_code="connectors.unexpected")
    assert list(unread) == []
