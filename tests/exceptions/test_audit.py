"""What was done stays as it was done: nobody rewrites, removes or empties the audit."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader

from exceptions.models import CaseEvent, Erasure
from exceptions.services import acts
from exceptions.services.erase import erase_text
from tests.exceptions.conftest import OpenCase

NAMED = [
    "exceptions_assignment",
    "exceptions_caseevent",
    "exceptions_erasure",
    "exceptions_causeevent",
    "exceptions_programact",
    "exceptions_ruleset",
    "exceptions_runevent",
    "inventory_stockmovement",
]


def guarded() -> list[str]:
    """Every table that must only grow: the named ones, and the history of each configuration."""
    histories = [m._meta.db_table for m in apps.get_models() if hasattr(m, "history_id")]
    return sorted([*NAMED, *histories])


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


@pytest.mark.django_db
def test_every_table_of_acts_and_of_history_is_guarded_against_each_way_to_lose_a_row() -> None:
    assert len(guarded()) > len(NAMED)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, bit_or(tgtype) & 56 FROM pg_trigger"
            " WHERE tgname LIKE '%\\_only\\_grows' OR tgname LIKE '%\\_is\\_never\\_emptied'"
            " GROUP BY 1 ORDER BY 1"
        )
        found = dict(cursor.fetchall())
    # Bits of pg_trigger.tgtype: 8 delete, 16 update, 32 truncate.
    assert found == dict.fromkeys(guarded(), 56)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exceptions_caseevent SET actor_id = NULL",
        "UPDATE exceptions_caseevent SET text = 'Never said so.'",
        "UPDATE exceptions_caseevent SET text = ''",  # no erasure says why
        "DELETE FROM exceptions_caseevent",
        "TRUNCATE exceptions_caseevent CASCADE",
    ],
)
def test_not_even_the_owner_of_the_tables_rewrites_an_act(
    problem: OpenCase, ana: User, now: datetime, statement: str
) -> None:
    acts.add_note(case_id=problem().pk, actor_id=ana.pk, text="Called them.", now=now)
    before = list(CaseEvent.objects.order_by("pk").values())

    with pytest.raises(IntegrityError, match="the audit only grows"):
        run(statement)

    assert list(CaseEvent.objects.order_by("pk").values()) == before


def test_a_role_of_its_own_may_add_acts_and_nothing_else(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    """As an installation does it that keeps the owner of the tables for migrations."""
    problem()
    run("CREATE ROLE desk")
    run("GRANT ALL ON ALL TABLES IN SCHEMA public TO desk")
    run("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO desk")
    _guard_again()
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE desk")
        for statement in (
            "UPDATE exceptions_caseevent SET verb = 'x'",
            "DELETE FROM exceptions_caseevent",
            "TRUNCATE exceptions_caseevent CASCADE",
            "ALTER TABLE exceptions_caseevent DISABLE TRIGGER ALL",
        ):
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
                run(statement)
        note = acts.add_note(
            case_id=CaseEvent.objects.get().case_id, actor_id=ana.pk, text="Kim called.", now=now
        )
        erase_text(event_id=note.pk, actor_id=ana.pk, reason="Kim asked for it", now=now)
        cursor.execute("RESET ROLE")
    assert CaseEvent.objects.order_by("pk").values_list("verb", "text").last() == ("note", "")


def _guard_again() -> None:
    """What the migration does, now that there is a role to do it to."""
    found = MigrationLoader(connection).get_migration("exceptions", "0001_first_release")
    for guard in found.operations:
        if isinstance(guard, RunSQL):
            run(str(guard.reverse_sql))
            run(str(guard.sql))


def test_what_an_act_says_is_erased_by_an_act_that_says_why(
    problem: OpenCase, ana: User, mia: User, now: datetime
) -> None:
    case = problem()
    note = acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Kim, 0170 1234", now=now)
    other = acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Sent a parcel.", now=now)
    before = CaseEvent.objects.filter(pk=note.pk).values().get()

    first = erase_text(event_id=note.pk, actor_id=mia.pk, reason="Kim asked for it", now=now)
    again = erase_text(event_id=note.pk, actor_id=ana.pk, reason="Twice", now=now)

    assert first == again == Erasure.objects.get()
    assert (first.actor, first.reason, first.at) == (mia, "Kim asked for it", now)
    assert CaseEvent.objects.filter(pk=note.pk).values().get() == before | {"text": ""}
    assert CaseEvent.objects.get(pk=other.pk).text == "Sent a parcel."
    with pytest.raises(IntegrityError, match="the audit only grows"):
        CaseEvent.objects.filter(pk=note.pk).update(text="Kim never called.")


def test_an_act_is_taken_back_once_and_only_by_an_undo(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    claim = case.events.get(verb="claim")
    facts = {"case": case, "takes_back": claim, "at": now}

    with pytest.raises(IntegrityError, match="only_undo_takes_back"), transaction.atomic():
        CaseEvent.objects.create(verb="note", **facts)
    CaseEvent.objects.create(verb="undo", **facts)
    with pytest.raises(IntegrityError, match="takes_back_id"), transaction.atomic():
        CaseEvent.objects.create(verb="undo", **facts)
