"""Do icons, states, deadlines and times read as the console promises?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from retailhub.templatetags import console


def given(**attributes: str) -> Any:
    return SimpleNamespace(**attributes)


NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)


def test_decoration_is_silent_and_a_labelled_icon_speaks() -> None:
    assert 'aria-hidden="true"' in console.icon("check")
    assert 'role="img" aria-label="Critical severity"' in console.severity("critical")


def test_icon_label_is_escaped() -> None:
    assert "<b>" not in console.icon("check", "<b>")


def test_state_is_icon_and_word() -> None:
    html = console.pill(given(label="Claimed · <Ana>", color="violet", icon="claim"))

    assert 'class="pill violet"' in html
    assert "#claim" in html
    assert "Claimed · &lt;Ana&gt;" in html


def test_no_state_shows_nothing() -> None:
    assert console.pill(None) == ""


def test_breach_is_said_in_words_and_counts_on() -> None:
    due = given(state="over", text="−15 m", due_at="2026-11-20T13:48:00+00:00")

    html = console.sla(due)

    assert 'class="sla over" data-due="2026-11-20T13:48:00+00:00"' in html
    assert "past the SLA" in html


def test_paused_clock_does_not_count() -> None:
    due = given(state="paused", text="Paused", due_at="2026-11-20T13:48:00+00:00")

    assert "data-due" not in console.sla(due)


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=12), "12 m ago"),
        (timedelta(hours=3, minutes=50), "3 h ago"),
        (timedelta(days=2), "2 d ago"),
        (-timedelta(minutes=12), "in 12 m"),
        (timedelta(days=20), "31 Oct 2026"),
    ],
)
def test_relative_time_is_said_as_people_say_it(distance: timedelta, said: str) -> None:
    with timezone.override("UTC"):
        assert console.relative(NOW - distance, NOW) == said


def test_time_carries_its_exact_moment() -> None:
    with timezone.override("Europe/Berlin"):
        html = console.clock(NOW)

    assert html == (
        '<time datetime="2026-11-20T14:03:00+00:00" title="20 Nov 2026 15:03:00 CET" data-clock>'
        "15:03</time>"
    )


def test_missing_time_says_so() -> None:
    assert "Never" in console.ago(None)


def test_sentence_links_the_order_once_and_escapes_the_rest() -> None:
    html = console.linked("Order #1 <b> waits, #1 too.", "#1", "/orders/1/")

    assert html == ('Order <a class="link num" href="/orders/1/">#1</a> &lt;b&gt; waits, #1 too.')


def test_sentence_without_the_order_stays_as_it_is() -> None:
    assert console.linked("Nothing <here>", "#1", "/orders/1/") == "Nothing &lt;here&gt;"


def test_topics_travel_as_compact_json() -> None:
    assert console.compact_json({"queue": 7}) == '{"queue":7}'
    assert console.compact_json(None) == "{}"
