"""People draw the line between causes: merged, split, taken back; nothing that opens gets lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors.events import EffectsStopped
from connectors.models import OutboundMessage
from exceptions.errors import CauseMovedOn, NothingToUndo
from exceptions.groups import cases_of_cause, lacking_the_same
from exceptions.models import Cause, CauseEvent, ExceptionCase
from exceptions.selectors import causes_by_damage, narrow
from exceptions.services.cases import close_cured
from exceptions.services.merge_causes import merge_causes
from exceptions.services.replay import replay_case
from exceptions.services.split_cause import split_cause
from exceptions.services.undo_causes import undo_causes
from retailhub.kernel.events import publish
from retailhub.models import LiveEvent
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.unmapped import missing
from tests.racing import at_once


def merge(cause: Cause, into: Cause, who: User) -> CauseEvent:
    return merge_causes(
        cause_id=cause.pk, into_id=into.pk, actor_id=who.pk, reason="Same", now=timezone.now()
    )


def split(cause: Cause, cases: list[ExceptionCase], who: User) -> CauseEvent:
    return split_cause(
        cause_id=cause.pk,
        case_ids=[case.pk for case in cases],
        title="Orders to Switzerland",
        actor_id=who.pk,
        reason="Another trouble",
        now=timezone.now(),
    )


def shown(who: User) -> list[tuple[str, int]]:
    return [
        (one.cause.title, one.cases)
        for one in causes_by_damage(ExceptionCase.objects.all(), most=9)
    ]


def test_a_merged_cause_is_shown_with_the_other_and_so_are_its_future_cases(
    stopped_message: Stopped, ana: User
) -> None:
    mug = missing(stopped_message, "k1", "MUG").cause
    cup = missing(stopped_message, "k2", "CUP").cause

    event = merge(mug, cup, ana)
    missing(stopped_message, "k3", "MUG")

    assert shown(ana) == [(cup.title, 3)]
    assert cases_of_cause(cup.pk).count() == 3
    assert narrow(ExceptionCase.objects.all(), {"cause": str(cup.pk)}).count() == 3
    assert (event.verb, event.cause, event.other, event.actor) == ("MERGE", mug, cup, ana)
    assert (event.reason, event.moved) == ("Same", [])


def test_a_mapping_frees_only_what_lacks_that_row_however_causes_were_merged(
    stopped_message: Stopped, ana: User
) -> None:
    mug = missing(stopped_message, "k1", "MUG")
    cup = missing(stopped_message, "k2", "CUP")
    merge(mug.cause, cup.cause, ana)

    assert [case.pk for case in lacking_the_same(mug)] == [mug.pk]
    part = split(cup.cause, [cup], ana)
    another = missing(stopped_message, "k3", "CUP")
    cup.refresh_from_db()
    assert cup.cause == part.other
    assert {case.pk for case in lacking_the_same(cup)} == {cup.pk, another.pk}


def test_what_was_merged_before_follows_and_comes_back(stopped_message: Stopped, ana: User) -> None:
    a, b, c = (missing(stopped_message, f"k{n}", f"SKU{n}").cause for n in range(3))
    merge(a, b, ana)
    event = merge(b, c, ana)
    assert event.moved == [a.pk]
    assert shown(ana) == [(c.title, 3)]

    undo_causes(event_id=event.pk, actor_id=ana.pk, now=timezone.now())

    assert sorted(shown(ana)) == sorted([(b.title, 2), (c.title, 1)])
    with pytest.raises(NothingToUndo):
        undo_causes(event_id=event.pk, actor_id=ana.pk, now=timezone.now())
    assert CauseEvent.objects.filter(takes_back=event, verb="UNDO").count() == 1


def test_pages_of_all_causes_between_which_a_line_was_drawn_hear_of_it_and_of_taking_it_back(
    stopped_message: Stopped, ana: User
) -> None:
    a, b, c = (missing(stopped_message, f"k{n}", f"SKU{n}") for n in range(3))
    merge(a.cause, b.cause, ana)
    everyone = {("queue", f"cause-{case.cause_id}", "upd") for case in (a, b, c)}
    LiveEvent.objects.all().delete()
    merged = merge(b.cause, c.cause, ana)
    assert set(LiveEvent.objects.values_list("topic", "entity", "verb")) == everyone
    LiveEvent.objects.all().delete()
    undo_causes(event_id=merged.pk, actor_id=ana.pk, now=timezone.now())
    assert set(LiveEvent.objects.values_list("topic", "entity", "verb")) == everyone

    parted = split(b.cause, [a], ana)
    merge(b.cause, c.cause, ana)
    LiveEvent.objects.all().delete()
    undo_causes(event_id=parted.pk, actor_id=ana.pk, now=timezone.now())
    entities = set(LiveEvent.objects.values_list("entity", flat=True))
    assert entities == {f"cause-{pk}" for pk in (b.cause_id, c.cause_id, parted.other_id)}


def test_what_was_merged_further_is_not_taken_back_under_it(
    stopped_message: Stopped, ana: User
) -> None:
    a, b, c = (missing(stopped_message, f"k{n}", f"SKU{n}").cause for n in range(3))
    first = merge(a, b, ana)
    merge(b, c, ana)

    with pytest.raises(NothingToUndo, match="merged further"):
        undo_causes(event_id=first.pk, actor_id=ana.pk, now=timezone.now())

    assert shown(ana) == [(c.title, 3)]


def test_a_cause_is_merged_once_and_never_into_itself(stopped_message: Stopped, ana: User) -> None:
    a, b = (missing(stopped_message, f"k{n}", f"SKU{n}").cause for n in range(2))
    merge(a, b, ana)

    for cause, into in ((a, b), (b, a), (b, b)):
        with pytest.raises(CauseMovedOn):
            merge(cause, into, ana)

    assert CauseEvent.objects.count() == 1
    named = "exceptions_cause_is_not_merged_into_itself"
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        Cause.objects.filter(pk=b.pk).update(merged_into=b)


@pytest.mark.django_db(transaction=True)
def test_a_case_that_opens_while_its_cause_is_merged_is_shown_with_it(
    stopped_message: Stopped, stopped_effect: Stopped, ana: User
) -> None:
    first, other = stopped_effect("R1"), stopped_effect("R2", state="MANUAL")
    other_cause = missing(stopped_message, "k1", "MUG").cause
    close_cured(ExceptionCase.objects.filter(pk=other.pk), how="by itself", now=timezone.now())

    def open_another() -> None:
        publish(EffectsStopped(message_ids=(other.outbound_id or 0,)))

    both: list[Callable[[], object]] = [
        open_another,
        partial(merge, first.cause, other_cause, ana),
    ]
    ends = at_once(both)

    assert not any(isinstance(end, Exception) for end in ends), ends
    assert shown(ana) == [(other_cause.title, 4)]
    assert OutboundMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_people_who_merge_two_causes_into_each_other_make_one_of_them(
    stopped_message: Stopped, ana: User
) -> None:
    a, b = (missing(stopped_message, f"k{n}", f"SKU{n}").cause for n in range(2))

    ends = at_once([partial(merge, a, b, ana), partial(merge, b, a, ana)])

    assert sum(isinstance(end, CauseMovedOn) for end in ends) == 1
    assert [count for _, count in shown(ana)] == [2]
    assert CauseEvent.objects.count() == 1


def test_split_cases_have_a_cause_of_their_own_and_future_ones_do_not(
    stopped_effect: Stopped, ana: User
) -> None:
    one, two, three = (stopped_effect(f"R{n}") for n in range(3))

    event = split(one.cause, [one, two], ana)
    four = stopped_effect("R9")

    part = event.other
    assert sorted(shown(ana)) == sorted([(part.title, 2), (one.cause.title, 2)])
    assert four.cause == three.cause == part.split_from
    assert part.fingerprint != one.cause.fingerprint
    line = one.events.latest("pk")
    text = "To “Orders to Switzerland”: Another trouble"
    assert (line.verb, line.actor, line.text) == ("split", ana, text)


def test_a_split_case_that_fails_again_alike_stays_where_it_was_put(
    stopped_effect: Stopped, ana: User, now: datetime
) -> None:
    case = stopped_effect("R1")
    part = split(case.cause, [case], ana).other
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    OutboundMessage.objects.update(state="SENDING")
    OutboundMessage.objects.update(state="DEAD", error_detail="NetSuite refused with 400.")

    publish(EffectsStopped(message_ids=(case.outbound_id or 0,)))

    case.refresh_from_db()
    assert (case.failed_again, case.cause) == (1, part)


def test_a_split_is_taken_back_and_a_second_one_is_another(
    stopped_effect: Stopped, ana: User
) -> None:
    one, two = (stopped_effect(f"R{n}") for n in range(2))
    whole = one.cause
    event = split(whole, [one], ana)
    undo_causes(event_id=event.pk, actor_id=ana.pk, now=timezone.now())
    assert shown(ana) == [(whole.title, 2)]

    again = split(whole, [one], ana)

    assert again.other != event.other
    assert sorted(count for _, count in shown(ana)) == [1, 1]
    assert two.cause == whole


def test_nothing_is_split_that_is_of_another_cause(
    stopped_effect: Stopped, stopped_message: Stopped, ana: User
) -> None:
    one, other = stopped_effect("R1"), stopped_message("k1")

    for cases in ([one, other], []):
        with pytest.raises(CauseMovedOn):
            split(one.cause, cases, ana)

    assert Cause.objects.count() == 2
    assert not CauseEvent.objects.exists()


def test_a_split_case_that_recurs_knows_its_last_time(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    first = problem()
    split(first.cause, [first], ana)
    close_cured(ExceptionCase.objects.filter(pk=first.pk), how="by itself", now=now)

    assert problem().recurs == first
