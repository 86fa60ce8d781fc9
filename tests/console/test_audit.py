"""The audit's page and its export: who did what to what, from which tables ever."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection as database
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from connectors.models import Connection
from exceptions.models import CaseEvent, ExceptionCase, Team
from exceptions.services import acts as case_acts
from exceptions.services.merge_causes import merge_causes
from exceptions.services.rules import apply_rules
from retailhub.console.acts import Act, Wanted, acts, kinds_for
from tests.console.conftest import SignedIn
from tests.console.test_replays import text_of

Stuck = Callable[..., list[ExceptionCase]]
EVERYTHING = Wanted()


def change_the_shop(shop: Connection, user: User, now: datetime) -> None:
    """As an admin does it: the history keeps who, and what it was before."""
    shop._history_user = user  # type: ignore[attr-defined]
    shop._history_date = now  # type: ignore[attr-defined]
    shop.name = "Web shop 2"
    shop.save()


def test_acts_of_every_kind_are_told_together_newest_first_with_before_and_after(
    stuck: Stuck, webshop: Connection, ana: User, mia: User, now: datetime
) -> None:
    (case,) = stuck(1)
    soon = now + timedelta(hours=1)
    case_acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=soon)
    change_the_shop(webshop, mia, soon + timedelta(minutes=1))
    case_acts.add_note(
        case_id=case.pk, actor_id=ana.pk, text="Called.", now=soon + timedelta(minutes=2)
    )

    note, change, claim, *_ = acts(user=mia, wanted=EVERYTHING, most=50)

    assert (note.kind, note.thing, note.who, note.what, note.text, note.changes) == (
        "case", str(case.pk), ana.pk, "note", "Called.", ()
    )  # fmt: skip
    assert (change.kind, change.thing, change.who, change.what) == (
        "connection", str(webshop.pk), mia.pk, "change"
    )  # fmt: skip
    assert change.changes == (("name", "Own web shop", "Web shop 2"),)
    assert (claim.what, claim.changes) == (
        "claim", (("owner", "", str(ana.pk)), ("state", "NEW", "CLAIMED"))
    )  # fmt: skip


def test_lines_between_causes_are_told_to_whoever_sees_a_case_of_them(
    stuck: Stuck, ana: User, ben: User, lea: User, finance_team: Team, now: datetime
) -> None:
    one, other = stuck(1, "MUG-X")[0].cause, stuck(1, "POT-X")[0].cause
    merge_causes(cause_id=one.pk, into_id=other.pk, actor_id=lea.pk, reason="One list", now=now)

    (act,) = acts(user=ana, wanted=Wanted(kind="cause"), most=50)

    assert (act.what, act.who, act.thing, act.text) == ("merge", lea.pk, str(one.pk), "One list")
    assert act.changes == (("cause", one.title, other.title),)
    assert acts(user=ben, wanted=Wanted(kind="cause"), most=50) == []


def test_one_asks_by_person_object_verb_and_day_and_pages_leave_nothing_out(
    stuck: Stuck, ana: User, mia: User, now: datetime
) -> None:
    one, two = stuck(2)
    for case, user in ((one, ana), (one, mia), (two, ana)):
        case_acts.add_note(case_id=case.pk, actor_id=user.pk, text="x", now=now)
    asked = {
        Wanted(who=ana.pk): 2,
        Wanted(kind="case", thing=one.pk, what="note"): 2,
        Wanted(what="note", since=now, until=now + timedelta(seconds=1)): 3,
        Wanted(what="note", until=now): 0,
        Wanted(kind="replay"): 0,
        Wanted(kind="no such kind"): 0,
        Wanted(who=0): 0,
    }
    assert {one: len(acts(user=mia, wanted=one, most=50)) for one in asked} == asked

    whole = acts(user=mia, wanted=EVERYTHING, most=500)
    paged: list[Act] = []
    while page := acts(user=mia, wanted=EVERYTHING, after=paged[-1].cursor if paged else "",
                       most=3):  # fmt: skip
        paged += page
    assert paged == whole
    assert len({(act.kind, act.number) for act in paged}) == len(paged)


def test_a_page_of_many_acts_asks_as_often_as_one_of_few(
    as_: SignedIn, stuck: Stuck, mia: User, now: datetime
) -> None:
    (case,) = stuck(1)
    client = as_(mia)
    case_acts.claim_case(case_id=case.pk, actor_id=mia.pk, now=now)
    assert "Owner: – → Mia" in text_of(client.get("/audit/"))
    with CaptureQueriesContext(database) as few:
        client.get("/audit/?kind=case")
    for number in range(70):
        case_acts.add_note(case_id=case.pk, actor_id=mia.pk, text=str(number), now=now)
    with CaptureQueriesContext(database) as many:
        page = client.get("/audit/?kind=case")
    assert len(many) == len(few) <= 14
    assert "Show the next ones" in text_of(page)


@pytest.mark.usefixtures("finance_team")
def test_another_team_s_acts_and_the_configuration_are_not_there(
    as_: SignedIn, stuck: Stuck, ben: User, ana: User, lea: User, now: datetime
) -> None:
    (case,) = stuck(1)
    case_acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Kim called.", now=now)
    apply_rules(actor_id=lea.pk, now=now)

    assert acts(user=ben, wanted=EVERYTHING, most=50) == []
    assert {act.kind for act in acts(user=ana, wanted=EVERYTHING, most=50)} == {"case"}
    assert list(kinds_for(ana)) == ["case", "cause", "replay"]
    assert "Kim called." not in text_of(as_(ben).get("/audit/"))
    assert "Kim called." in text_of(as_(ana).get("/audit/?who=ana"))


def test_the_export_is_the_same_and_harmless_in_a_spreadsheet(
    stuck: Stuck, mia: User, now: datetime
) -> None:
    (case,) = stuck(1)
    case_acts.add_note(case_id=case.pk, actor_id=mia.pk, text="=HYPERLINK(1)", now=now)

    @async_to_sync
    async def export() -> str:
        client = AsyncClient()
        await client.aforce_login(mia)
        answer: Any = await client.get("/audit/export/?kind=case")
        return "".join([part.decode() async for part in answer.streaming_content])

    first, *rows = csv.reader(export().splitlines())

    assert first == ["at", "who", "kind", "id", "verb", "text", "changes", "API key"]
    assert len(rows) == CaseEvent.objects.count()
    (note,) = [row for row in rows if row[4] == "note"]
    assert note[1:6] == ["mia", "case", str(case.pk), "note", "'=HYPERLINK(1)"]


def test_an_admin_erases_what_an_act_says_and_that_is_an_act_too(
    as_: SignedIn, stuck: Stuck, ana: User, mia: User, now: datetime
) -> None:
    (case,) = stuck(1)
    note = case_acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Kim, 0170 12", now=now)
    page = as_(mia)
    assert page.post(f"/audit/{note.pk}/erase/", {"reason": " "}).status_code == 422

    page.post(f"/audit/{note.pk}/erase/", {"reason": "Kim asked for it"})

    text = text_of(page.get("/audit/"))
    assert "Kim, 0170 12" not in text
    assert "Kim asked for it" in text
    (erased,) = acts(user=mia, wanted=Wanted(kind="erasure"), most=9)
    assert (erased.who, erased.thing, erased.text) == (mia.pk, str(case.pk), "Kim asked for it")
    assert "Erased: Kim asked for it" in text_of(page.get(f"/queue/{case.pk}/"))


def test_what_the_admin_did_to_people_is_told_to_who_sees_everything(
    as_: SignedIn, ana: User, mia: User
) -> None:
    User.objects.filter(pk=mia.pk).update(is_staff=True, is_superuser=True)
    admin = as_(User.objects.get(pk=mia.pk))
    ben = {"username": "ben", "first_name": "Ben", "last_name": "", "email": "", "is_active": "on"}
    secret = {"password1": "a-long-enough-one", "password2": "a-long-enough-one"}
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    new = {**ben, **secret, "usable_password": "true", "role": "agent"}
    admin.post("/admin/auth/user/add/", new)
    made = User.objects.get(username="ben")
    admin.post(f"/admin/auth/user/{made.pk}/change/", {**ben, **joined, "role": "lead"})
    admin.post(f"/admin/auth/user/{made.pk}/password/", {**secret, "usable_password": "true"})

    found = acts(user=mia, wanted=Wanted(kind="person", thing=made.pk), most=9)

    assert [(act.what, act.who, act.thing) for act in found] == [
        ("change", mia.pk, str(made.pk)),
        ("change", mia.pk, str(made.pk)),
        ("create", mia.pk, str(made.pk)),
    ]
    assert [act.text for act in found] == [
        "ben: Changed password.",
        "ben: Changed role from agent to lead.",
        "ben: Added. Added role “agent”.",
    ]
    assert "ben: Changed role from agent to lead." in text_of(admin.get("/audit/"))
    assert "ben: " not in text_of(as_(ana).get("/audit/?kind=person"))
    assert acts(user=ana, wanted=Wanted(kind="person"), most=9) == []


def test_every_new_password_is_told_wherever_it_was_set(
    as_: SignedIn, mia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mia.is_staff = mia.is_superuser = True
    mia.set_password("the-one-before")
    mia.save()
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_: "another-long-one")

    call_command("changepassword", mia.username, stdout=StringIO())
    own = {"old_password": "another-long-one", "new_password1": "a-third-one-23"}
    client = as_(User.objects.get(pk=mia.pk))
    answer = client.post("/admin/password_change/", own | {"new_password2": "a-third-one-23"})

    assert answer["Location"] == "/admin/password_change/done/"
    found = acts(user=mia, wanted=Wanted(kind="person", thing=mia.pk), most=9)
    assert [(act.what, act.who, act.text) for act in found] == [
        ("change", mia.pk, "mia: New password."),
        ("change", mia.pk, "mia: New password, by a command."),
        ("change", mia.pk, "mia: New password, by a command."),
    ]


def test_a_hash_that_is_renewed_at_sign_in_is_no_new_password(
    mia: User, settings: LazySettings
) -> None:
    mia.password = make_password("the-same")
    mia.save()
    hasher = "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"
    settings.PASSWORD_HASHERS = [hasher, *settings.PASSWORD_HASHERS]

    assert mia.check_password("the-same")

    assert mia.password.startswith("pbkdf2_sha1")
    assert acts(user=mia, wanted=Wanted(kind="person"), most=9) == []


def test_moments_that_changed_are_told_by_the_reader_s_clock(
    as_: SignedIn, stuck: Stuck, ana: User
) -> None:
    (case,) = stuck(1)
    moment = datetime(2026, 11, 26, 5, 25, 31, 39, UTC)
    ExceptionCase.objects.update(opened_at=moment, due_at=moment + timedelta(days=1))
    case_acts.snooze_case(case_id=case.pk, actor_id=ana.pk, minutes=1, now=moment)

    text = text_of(as_(ana).get(f"/audit/?kind=case&thing={case.pk}"))

    assert "Wake at: – → 26 Nov 2026 06:26:31" in text
