"""A correction made once is offered as a rule for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Connection, CorrectionRule
from exceptions.models import BulkScope
from orders.models import Order
from tests.console.conftest import SignedIn
from tests.console.editing.forms import CITY, fields_of
from tests.console.test_replays import text_of


def test_a_correction_becomes_a_rule_for_the_others(
    as_: SignedIn, lea: User, broken: Any, time_passes: Callable[[], None]
) -> None:
    cases = broken("B-1", "B-2", "B-3")
    client, url = as_(lea), f"/queue/{cases[0].pk}/edit/"
    form = fields_of(client.get(url))
    answer = client.post(url, {**form, CITY: "Berlin", "reason": "Code in the city",
                               "then": "replay"})  # fmt: skip
    offer = f"/queue/{cases[0].pk}/rule/"
    assert answer["Location"] == offer
    told = text_of(client.get(offer))
    assert "Apply to the other 2 in this cause?" in told
    assert "2 of the 2 that are stuck would be corrected; 2 of them could be read then." in told

    assert client.post(offer, {"then": "make", "path": "ship_to.city", "how": "equals",
                               "value": "10115"}).status_code == 422  # fmt: skip
    answer = client.post(
        offer,
        {"then": "make", "path": "ship_to.city", "how": "equals", "value": "10115",
         "reason": "The shop mixes them up", "others": "1"},
    )  # fmt: skip

    rule = CorrectionRule.objects.get()
    assert rule.owner == lea
    assert rule.conditions == [{"path": "ship_to.city", "how": "equals", "value": "10115"}]
    scope = BulkScope.objects.get()
    assert answer["Location"] == f"/replays/plan/{scope.pk}/"
    assert scope.count == 2
    broken("B-4")
    assert (Order.objects.get(external_id="B-4").ship_to or {})["city"] == "Berlin"
    told = text_of(client.get(f"/rules/{rule.pk}/"))
    assert "evt-B-4" in told
    assert "End this rule" in told
    told = text_of(client.post(f"/rules/{rule.pk}/end/", follow=True))
    assert "has ended" in told
    assert "Ended" in text_of(client.get("/rules/"))


def test_the_pane_says_which_rule_corrected_it(
    as_: SignedIn, lea: User, broken: Any, webshop: Connection
) -> None:
    (case,) = broken()
    rule = CorrectionRule.objects.create(
        connection=webshop, topic="order.placed", owner=lea, reason="r",
        conditions=[{"path": "id", "how": "equals", "value": "B-1"}],
        patch=[{"op": "add", "path": "/note", "value": "x"}],
        expires_at=timezone.now(),
    )  # fmt: skip
    rule.hits.create(message_id=case.inbound_id)
    assert f"Corrected by rule {rule.pk}" in text_of(as_(lea).get(f"/queue/{case.pk}/"))
