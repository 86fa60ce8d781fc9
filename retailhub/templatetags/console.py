"""How do icons, states, deadlines and times look in the console?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

SEVERITY_COLORS = {"critical": "red", "high": "orange", "medium": "amber", "low": "gray"}

# Results of one try, as the connectors name them: (label, colour, icon).
RESULTS = {
    "sent": ("Sent", "green", "check"),
    "ok": ("Sent", "green", "check"),
    "processed": ("Processed", "green", "check"),
    "passed": ("Passed", "green", "check"),
    "failed": ("Failed", "red", "x"),
    "rejected": ("Rejected", "red", "x"),
    "dead": ("Gave up", "red", "x"),
    "running": ("Running", "teal", "replay"),
    "unknown": ("Unknown", "amber", "alert"),
    "skipped": ("Skipped", "gray", "minus"),
    "none": ("Not needed", "gray", "minus"),
    "waiting": ("Waiting", "gray", "pause"),
    "done": ("Done", "green", "check"),
}

SLA_ICONS = {"over": "alert", "paused": "pause"}


class State(Protocol):
    label: str
    color: str
    icon: str


class Sla(Protocol):
    state: str
    text: str
    due_at: str


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """One symbol of the sprite; decoration unless it has a `label`."""
    spoken = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    shown = format_html(' class="{}"', css) if css else ""
    return format_html(
        '<svg{} {}><use href="{}#{}"></use></svg>',
        shown,
        mark_safe(spoken),  # noqa: S308  escaped above
        static("sprite.svg"),
        name,
    )


@register.simple_tag
def severity(level: str) -> SafeString:
    """Severity as a shape, so that it never depends on colour."""
    color = SEVERITY_COLORS.get(level, "gray")
    return icon(level, f"{level.capitalize()} severity", f"severity {color}")


@register.filter
def severity_color(level: str) -> str:
    return SEVERITY_COLORS.get(level, "gray")


@register.simple_tag
def pill(state: State | None) -> SafeString:
    """A state as icon and word."""
    if not state:
        return SafeString()
    return _pill(state.color, state.icon, state.label)


@register.simple_tag
def result_pill(result: str) -> SafeString:
    """The result of one try, in the words of `RESULTS`."""
    label, color, name = RESULTS.get(result, (result.capitalize(), "gray", "open"))
    return _pill(color, name, label)


@register.filter
def result_color(result: str) -> str:
    return RESULTS.get(result, ("", "gray", ""))[1]


@register.filter
def result_icon(result: str) -> str:
    return RESULTS.get(result, ("", "", "open"))[2]


@register.simple_tag
def sla(due: Sla | None, suffix: str = "") -> SafeString:
    """Time left, with colour only when somebody has to act; the browser counts it down."""
    if not due or not due.text:
        return SafeString()
    hidden = mark_safe('<span class="vh"> past the SLA</span>') if due.state == "over" else ""
    left = f" {suffix}" if suffix and due.state in {"soon", "ok"} else ""
    return format_html(
        '<span class="sla {}"{}>{}<span class="text">{}</span>{}{}</span>',
        due.state,
        format_html(' data-due="{}"', due.due_at) if due.due_at and due.state != "paused" else "",
        icon(SLA_ICONS.get(due.state, "clock")),
        due.text,
        left,
        hidden,
    )


@register.simple_tag
def ago(moment: datetime | None, missing: str = "Never") -> SafeString:
    """A time as people say it, exact on hover; the browser keeps it current."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', missing)
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        moment.isoformat(),
        _exact(moment),
        relative(moment, timezone.now()),
    )


@register.simple_tag
def clock(moment: datetime | None) -> SafeString:
    """The time of day, exact on hover."""
    if moment is None:
        return SafeString()
    return format_html(
        '<time datetime="{}" title="{}" data-clock>{}</time>',
        moment.isoformat(),
        _exact(moment),
        timezone.localtime(moment).strftime("%H:%M"),
    )


@register.simple_tag
def stamp(moment: datetime | None, missing: str = "") -> SafeString:
    """Day and time of day, for tables that span days."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', missing)
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}" data-stamp>{} {}</time>',
        moment.isoformat(),
        _exact(moment),
        f"{local.day} {local:%b}",
        local.strftime("%H:%M"),
    )


@register.simple_tag
def linked(sentence: str, part: str, href: str) -> SafeString:
    """`sentence` with the first mention of `part` as a link, or as it is."""
    if not part or not href or part not in sentence:
        return conditional_escape(sentence)
    before, after = sentence.split(part, 1)
    return format_html('{}<a class="link num" href="{}">{}</a>{}', before, href, part, after)


@register.filter
def signed(number: int) -> str:
    """A change as people write it: with its sign, and a minus as wide as the plus."""
    return f"+{number}" if number > 0 else f"−{-number}" if number < 0 else "0"


@register.filter
def compact_json(value: Mapping[str, object] | list[object] | None) -> str:
    """JSON for a data attribute; the template escapes it. A lazy mapping is one too."""
    if isinstance(value, Mapping):
        value = dict(value)
    return json.dumps(value or {}, separators=(",", ":"), default=str)


def relative(moment: datetime, now: datetime) -> str:
    """`12 m ago`, `in 3 h`; past a fortnight the date says more."""
    distance = now - moment
    if abs(distance) > timedelta(days=14):
        local = timezone.localtime(moment)
        return f"{local.day} {local:%b %Y}"
    minutes = int(abs(distance).total_seconds() // 60)
    if minutes < 1:
        return "now"
    amount = duration(minutes)
    return f"{amount} ago" if distance > timedelta(0) else f"in {amount}"


def duration(minutes: int) -> str:
    """The two largest units at most: `12 m`, `3 h`, `2 d`."""
    if minutes < 60:
        return f"{minutes} m"
    if minutes < 60 * 24:
        return f"{minutes // 60} h"
    return f"{minutes // (60 * 24)} d"


def _exact(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y %H:%M:%S} {local.tzname()}"


def _pill(color: str, name: str, label: str) -> SafeString:
    return format_html('<span class="pill {}">{}{}</span>', color, icon(name), escape(label))
