"""Views somebody keeps: theirs alone to change, their teams' to open, and nobody else's to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from exceptions.models import ExceptionCase, SavedView, Team
from exceptions.saved_views import canonical
from retailhub.kernel.roles import Role
from tests.console.conftest import SignedIn

Stuck = Callable[..., list[ExceptionCase]]


@pytest.fixture
def client(as_: SignedIn, ana: User, team: Team) -> Client:
    return as_(ana)


def keep(client: Client, name: str, query: str = "view=mine") -> SavedView:
    client.post("/views/keep/", {"name": name, "query": query})
    return SavedView.objects.get(name=name)


def change(client: Client, view: SavedView, **values: Any) -> Any:
    return client.post(f"/views/{view.pk}/change/", {"name": view.name, **values})


def names(client: Client) -> list[str]:
    """The menu of the queue, from top to bottom."""
    return [row["name"] for row in client.get("/queue/?view=open").context["views"]["rows"]]


def test_keeps_what_the_queue_shows_in_the_same_words_for_everybody(client: Client) -> None:
    typed = "case=7&connection=webshop&after=1_2_3&view=mine&pink=1&group=cause"
    answer = client.post("/views/keep/", {"name": " Mine by cause ", "query": typed})
    kept = "view=mine&connection=webshop&group=cause"
    assert answer["Location"] == f"/queue/?{kept}"
    view = SavedView.objects.get()
    assert (view.name, view.query, view.team, view.is_default) == (
        "Mine by cause",
        kept,
        None,
        False,
    )
    assert canonical({"connection": "webshop", "view": "mine", "group": "cause"}) == kept
    page = client.get(f"/queue/?{kept}")
    assert page.context["views"]["name"] == "Mine by cause"
    assert "Mine · connection webshop · group cause" in client.get("/views/").content.decode()


def test_the_same_name_again_takes_the_new_filters_and_no_name_keeps_nothing(
    client: Client,
) -> None:
    keep(client, "A")
    assert keep(client, "A", "view=waiting").query == "view=waiting"
    for name in ("", " ", "\x00"):
        answer = client.post("/views/keep/", {"name": name, "query": "view=mine"}, follow=True)
        assert "Give the view a name." in answer.content.decode()
    assert SavedView.objects.count() == 1


def test_moves_up_and_down_and_stays_at_the_ends(client: Client) -> None:
    first, _, third = (keep(client, name) for name in "ABC")
    client.post(f"/views/{third.pk}/move/", {"way": "up"})
    assert names(client) == ["A", "C", "B"]
    client.post(f"/views/{first.pk}/move/", {"way": "down"})
    client.post(f"/views/{third.pk}/move/", {"way": "up"})
    assert names(client) == ["C", "A", "B"]


def test_the_queue_opens_with_the_default_and_there_is_only_one(client: Client) -> None:
    first, second = keep(client, "A", "view=waiting"), keep(client, "B", "view=mine")
    change(client, first, is_default="on")
    change(client, second, is_default="on")
    assert [row.name for row in SavedView.objects.filter(is_default=True)] == ["B"]
    assert client.get("/queue/")["Location"] == "?view=mine"
    assert client.get("/queue/?view=open").status_code == 200
    change(client, second)
    assert client.get("/queue/").status_code == 200


def test_a_shared_view_is_the_team_s_to_open_and_its_owner_s_to_change(
    client: Client, as_: SignedIn, team: Team, lea: User, ben: User, finance_team: Team
) -> None:
    view = keep(client, "Late ones", "view=breaching")
    lead, stranger = as_(lea), as_(ben)
    assert names(lead) == []
    assert change(client, view, team=team.pk).status_code == 303
    assert names(lead) == ["Late ones"]
    assert "shared by Ana" in lead.get("/queue/?view=open").content.decode()
    assert names(stranger) == []
    assert "Late ones" not in stranger.get("/views/").content.decode()
    for other in (lead, stranger):
        for verb in ("change", "move", "remove"):
            values = {"name": "Taken", "way": "up"}
            assert other.post(f"/views/{view.pk}/{verb}/", values).status_code == 404
    # To share with a team is for its members, and a default is only one's own.
    assert change(client, view, team=finance_team.pk).status_code == 422
    assert change(client, view, team=team.pk, is_default="on").status_code == 303
    assert lead.get("/queue/").status_code == 200
    view.refresh_from_db()
    assert (view.name, view.team, view.owner.username) == ("Late ones", team, "ana")


def test_a_shared_view_shows_each_person_only_what_they_may_see(
    client: Client, as_: SignedIn, team: Team, stuck: Stuck
) -> None:
    case = stuck(1)[0]
    other = Team.objects.create(slug="both", name="Both")
    guest = User.objects.create(username="gil", first_name="Gil")
    other.members.add(guest, User.objects.get(username="ana"))
    view = keep(client, "All", "view=open")
    change(client, view, team=other.pk)
    guests = as_(guest)
    assert names(guests) == ["All"]
    assert case.order_number not in guests.get(f"/queue/?{view.query}").content.decode()


def test_a_name_is_one_person_s_once_and_a_removed_view_is_gone_for_the_team(
    client: Client, as_: SignedIn, team: Team, lea: User
) -> None:
    first, second = keep(client, "A"), keep(client, "B")
    answer = change(client, second, name="A")
    assert answer.status_code == 422
    assert "You keep another view called “A”." in answer.content.decode()
    change(client, first, team=team.pk)
    client.post(f"/views/{first.pk}/remove/")
    assert names(as_(lea)) == []
    assert names(client) == ["B"]


@pytest.mark.parametrize("role", Role)
def test_each_role_keeps_changes_moves_and_removes_its_own(
    as_: SignedIn, team: Team, role: Role
) -> None:
    user = User.objects.create(username=role.value)
    client = as_(user)
    view = keep(client, "Own")
    for verb in ("change", "move", "remove"):
        assert client.post(f"/views/{view.pk}/{verb}/", {"name": "Own"}).status_code == 303


def test_the_database_itself_refuses_two_defaults_two_names_and_no_name(ana: User) -> None:
    made = {"owner": ana, "query": "view=mine"}
    SavedView.objects.create(name="A", position=1, is_default=True, **made)
    for wrong in (
        {"name": "A", "position": 2},
        {"name": "B", "position": 3, "is_default": True},
        {"name": "", "position": 4},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            SavedView.objects.create(**made, **wrong)


def test_the_command_palette_offers_one_s_own_and_shared_views_and_what_an_id_finds(
    client: Client, stuck: Stuck, ben: User, team: Team
) -> None:
    (case,) = stuck(1)
    SavedView.objects.create(owner=ben, name="Ben's", query="view=waiting", position=1)
    SavedView.objects.create(owner=ben, name="Ours", query="view=mine", position=2, team=team)
    keep(client, "Nobody has", "view=unassigned")

    def offered(text: str) -> list[tuple[str, str, str]]:
        groups = client.get("/search/options/", {"q": text}).json()["groups"]
        return [
            (group["label"], option["title"], option["href"])
            for group in groups
            for option in group["options"]
        ]

    assert offered("") == [
        ("Views", "Nobody has", "/queue/?view=unassigned"),
        ("Views", "Ours", "/queue/?view=mine"),
    ]
    assert offered(case.order_number) == [("Exceptions", case.title, f"/queue/{case.pk}/")]
    assert offered("nothing-of-this-name") == []
