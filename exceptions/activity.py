"""What people and the clock did to a case, in words."""

from __future__ import annotations

from typing import Any

from exceptions.models import CaseEvent, ExceptionCase
from exceptions.rows import person

# verb -> (icon, colour, sentence)
LINES = {
    "opened": ("alert", "red", "Opened"),
    "failed again": ("x", "red", "Failed again"),
    "claim": ("claim", "violet", "Claimed"),
    "take_over": ("claim", "violet", "Taken over"),
    "release": ("claim", "gray", "Released"),
    "assign": ("claim", "violet", "Assigned"),
    "escalated": ("alert", "amber", "Escalated"),
    "given": ("claim", "violet", "Given in turn"),
    "moved": ("open", "gray", "Moved to another team"),
    "unpinned": ("open", "gray", "No longer pinned"),
    "snooze": ("clock", "amber", "Snoozed"),
    "wait": ("pause", "gray", "Waiting"),
    "wake": ("open", "blue", "Back to work"),
    "split": ("open", "gray", "Given a cause of its own"),
    "replay": ("replay", "teal", "Replayed"),
    "edit": ("note", "blue", "Message corrected"),
    "note": ("note", "gray", "Note"),
    "resolve": ("check", "green", "Resolved by hand"),
    "resolved": ("check", "green", "Resolved"),
    "ignore": ("minus", "gray", "Ignored"),
    "reopen": ("open", "blue", "Reopened"),
    "verified": ("check", "green", "Verified"),
    "not cured": ("alert", "red", "Not cured"),
    "down": ("alert", "red", "Down again"),
    "back": ("check", "green", "Answers again"),
    "undo": ("undo", "gray", "Undone"),
}


def activity_of(case: ExceptionCase) -> list[CaseEvent]:
    """The newest lines of a case, with all that a line tells."""
    told = case.events.select_related("actor", "taken_back_by", "erasure", "program_act__api_key")
    return list(told.order_by("-pk")[:100])


def is_taken_back(event: CaseEvent) -> bool:
    """Whether a later act took this one back."""
    return getattr(event, "taken_back_by", None) is not None


def line_of(event: CaseEvent) -> dict[str, Any]:
    """A line of the activity of a case."""
    icon, color, text = LINES.get(event.verb, ("open", "gray", event.verb.capitalize()))
    if is_taken_back(event):
        text = f"{text} (taken back)"
    return {
        "icon": icon,
        "color": color,
        "text": text,
        "detail": f"Erased: {event.erasure.reason}" if hasattr(event, "erasure") else event.text,
        "at": event.at,
        "by": _by(event),
    }


def _by(event: CaseEvent) -> str:
    who = person(event.actor) if event.actor else ""
    program = getattr(event, "program_act", None)
    return who if program is None else f"{who} with API key {program.api_key.name}"
