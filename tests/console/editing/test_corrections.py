"""Correcting a message on the page, without a line of JavaScript: fields, JSON, versions."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.drains import drain_inbox
from connectors.models import Connection, InboundMessage, MessageVersion
from exceptions.errors import VerbNotAllowed, VersionStale
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services.edit_case import Correction, edit_case
from orders.models import Order
from tests.console.conftest import SignedIn
from tests.console.editing.forms import CITY, body_with, fields_of
from tests.console.test_replays import text_of
from tests.racing import at_once


def test_edi_offers_no_form_for_it_is_sent_again(
    as_: SignedIn, ana: User, webshop: Connection, broken: Callable[..., list[ExceptionCase]]
) -> None:
    (case,) = broken()
    assert "Edit message" in text_of(as_(ana).get(f"/queue/{case.pk}/"))

    Connection.objects.filter(pk=webshop.pk).update(system="x12")

    assert "Edit message" not in text_of(as_(ana).get(f"/queue/{case.pk}/"))
    refused = as_(ana).get(f"/queue/{case.pk}/edit/")
    assert refused.status_code == 403
    assert "send it again" in text_of(refused)


def test_an_agent_corrects_an_address_field_and_replays(
    as_: SignedIn, ana: User, broken: Any, time_passes: Callable[[], None]
) -> None:
    (case,) = broken()
    client, url = as_(ana), f"/queue/{case.pk}/edit/"
    shown = client.get(url)
    assert "ship_to.city is not text but the number 10115" in html.unescape(text_of(shown))
    assert 'name="body"' not in shown.content.decode(), "an agent changes fields only"
    assert "Money fields need the lead role." in text_of(shown)
    form = fields_of(shown)
    assert form[CITY] == "10115"

    checked = client.post(url, {**form, CITY: "Berlin", "then": "check"})
    told = text_of(checked)
    assert "It would go through. Order B-1 would be put on record." in told
    assert "ship_to.city 10115 Berlin" in told
    assert not MessageVersion.objects.exists()

    answer = client.post(url, {**form, CITY: "Berlin", "reason": "By phone", "then": "replay"},
                         follow=True)  # fmt: skip
    assert "Version 2 is saved and sent. What arrived is kept as version 1." in text_of(answer)
    message = InboundMessage.objects.get()
    assert json.loads(bytes(message.body))["ship_to"]["city"] == 10115
    version = MessageVersion.objects.get()
    assert (version.number, version.author, version.reason) == (2, ana, "By phone")
    time_passes()
    drain_inbox()
    case.refresh_from_db()
    assert (case.state, case.owner) == ("RESOLVED", ana)
    assert (Order.objects.get().ship_to or {})["city"] == "Berlin"
    line = CaseEvent.objects.get(verb="edit")
    assert line.text == "Version 2, changed ship_to.city: By phone"
    assert (line.before["version"], line.after["version"]) == (1, 2)


def test_a_field_that_is_still_wrong_is_named_at_the_field(
    as_: SignedIn, ana: User, broken: Any
) -> None:
    (case,) = broken()
    url = f"/queue/{case.pk}/edit/"
    form = fields_of(as_(ana).get(url)) | {CITY: "x" * 300, "reason": "r", "then": "save"}

    answer = as_(ana).post(url, form)

    assert answer.status_code == 422
    text = answer.content.decode()
    assert 'aria-describedby="error-field:ship_to.city"' in text
    assert "ship_to.city is longer than 255 characters" in html.unescape(text)
    assert "x" * 300 in text, "what was typed is kept"
    assert not MessageVersion.objects.exists()


def test_nothing_is_saved_without_a_reason_or_a_change(
    as_: SignedIn, ana: User, broken: Any
) -> None:
    (case,) = broken()
    client, url = as_(ana), f"/queue/{case.pk}/edit/"
    form = fields_of(client.get(url)) | {"then": "save"}
    assert "Nothing was changed yet." in text_of(client.post(url, {**form, "reason": "r"}))
    told = text_of(client.post(url, {**form, CITY: "Berlin", "reason": " "}))
    assert "Say why, so that the next person knows." in told


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        (lambda body: body.update(total="1.00"), "Money fields need the lead role. total"),
        (lambda body: body["lines"].pop(), "Money fields need the lead role. lines[0]"),
        (lambda body: body.update(note="x"), "Other fields need the lead role. note"),
    ],
)
def test_money_and_the_rest_are_locked_for_an_agent_whatever_is_posted(
    as_: SignedIn, ana: User, broken: Any, change: Any, needs: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (case,) = broken()
    url = f"/queue/{case.pk}/edit/"
    posted = {"body": body_with(case, change), "reason": "r", "then": "save", "based_on": "1"}

    as_(ana).post(url, posted)
    assert not MessageVersion.objects.exists(), "an agent's JSON is not even read"
    # If the form did read it, each place would still be asked.
    monkeypatch.setattr("exceptions.body_form.BodyForm.may_edit_json", True)
    answer = as_(ana).post(url, posted)
    assert answer.status_code == 422
    assert needs in html.unescape(text_of(answer))
    assert not MessageVersion.objects.exists()


def test_a_lead_edits_json_and_every_digit_stays(as_: SignedIn, lea: User, broken: Any) -> None:
    (case,) = broken("B-1", total=14.9)
    client, url = as_(lea), f"/queue/{case.pk}/edit/"
    form = fields_of(client.get(url))
    typed = form["body"].replace('"total": 14.9', '"total": 14.900')
    typed = typed.replace("10115,", '"Berlin",', 1)
    form.pop(CITY)

    client.post(url, {**form, "body": typed, "reason": "r", "then": "save"})

    stored = bytes(MessageVersion.objects.get().body or b"").decode()
    assert '"total": 14.900' in stored
    assert InboundMessage.objects.get().current_body.decode() == stored


def test_json_that_is_none_is_kept_and_explained(as_: SignedIn, lea: User, broken: Any) -> None:
    (case,) = broken()
    client, url = as_(lea), f"/queue/{case.pk}/edit/"
    form = fields_of(client.get(url))

    answer = client.post(url, {**form, "body": "{not json", "reason": "r", "then": "save"})

    assert answer.status_code == 422
    assert "The body is not JSON" in text_of(answer)
    assert "{not json" in html.unescape(answer.content.decode())
    for bomb in ("[" * 5000, '{"a":' * 200 + "1" + "}" * 200):
        answer = client.post(url, {**form, "body": bomb, "reason": "r", "then": "check"})
        assert answer.status_code == 422
    assert not MessageVersion.objects.exists()


def test_two_people_meet_in_a_three_way_diff_and_nothing_is_lost(
    as_: SignedIn, ana: User, lea: User, broken: Any
) -> None:
    (case,) = broken()
    url = f"/queue/{case.pk}/edit/"
    mine, theirs = fields_of(as_(ana).get(url)), fields_of(as_(lea).get(url))
    as_(lea).post(url, {**theirs, CITY: "Bremen", "field:ship_to.line1": "Wall 1", "reason": "r",
                        "then": "save"})  # fmt: skip

    answer = as_(ana).post(url, {**mine, CITY: "Berlin", "field:ship_to.name": "Käthe V.",
                                 "reason": "By phone", "then": "save"})  # fmt: skip

    assert answer.status_code == 409
    told = text_of(answer)
    assert "Lea changed this while you were editing. Your text is kept." in told
    assert "ship_to.city both 10115 Bremen Berlin" in told
    form = fields_of(answer)
    assert (form[CITY], form["based_on"]) == ("Berlin", "2")
    assert form["field:ship_to.line1"] == "Wall 1", "theirs is what one goes on from"
    as_(ana).post(url, {**form, "reason": "By phone", "then": "save"})
    ship_to = json.loads(InboundMessage.objects.get().current_body)["ship_to"]
    assert (ship_to["city"], ship_to["line1"], ship_to["name"]) == ("Berlin", "Wall 1", "Käthe V.")
    versions = MessageVersion.objects.order_by("number")
    authors = versions.values_list("number", "author__username")
    assert list(authors) == [(2, "lea"), (3, "ana")]


def test_one_goes_back_to_what_arrived_and_the_corrections_stay_on_record(
    as_: SignedIn, ana: User, broken: Any
) -> None:
    (case,) = broken()
    client, url = as_(ana), f"/queue/{case.pk}/edit/"
    client.post(url, {**fields_of(client.get(url)), CITY: "Berlin", "reason": "r", "then": "save"})
    assert "Go back to version 1" in text_of(client.get(url))

    answer = client.post(f"{url}first/", {"based_on": "2"}, follow=True)

    assert "Version 1, as it arrived, counts again." in text_of(answer)
    message = InboundMessage.objects.get()
    assert message.edited_body is None
    assert [bool(row.body) for row in MessageVersion.objects.order_by("number")] == [True, False]
    assert "Version 3 · counts now" in text_of(answer)


@pytest.mark.django_db(transaction=True)
def test_two_saves_at_the_same_moment_make_one_version(ana: User, lea: User, broken: Any) -> None:
    (case,) = broken()
    body = body_with(case, lambda _: None).encode()

    def save(user: User) -> Callable[[], MessageVersion]:
        correction = Correction(body=body, based_on=1, reason="r")
        return lambda: edit_case(case_id=case.pk, actor_id=user.pk, correction=correction,
                                 now=timezone.now(), replay=True)  # fmt: skip

    found = at_once([save(ana), save(lea)])

    assert sum(isinstance(one, MessageVersion) for one in found) == 1
    assert sum(isinstance(one, VersionStale | VerbNotAllowed) for one in found) == 1
    assert CaseEvent.objects.filter(verb="replay").count() == 1


def test_a_try_shows_what_a_replay_would_do(as_: SignedIn, ana: User, broken: Any) -> None:
    (case,) = broken()
    told = text_of(as_(ana).get(f"/queue/{case.pk}/try/"))
    assert "It would stop again." in told
    assert "nothing was kept and nothing was sent" in told
    assert "Try" in text_of(as_(ana).get(f"/queue/{case.pk}/"))
