"""What is a row of the playbook made of?"""

from __future__ import annotations

from dataclasses import dataclass

LOW, MEDIUM, HIGH, CRITICAL = 1, 2, 3, 4


@dataclass(frozen=True)
class Play:
    """How an error code reads to a person. `title` may use the case's context in braces.

    `minutes` is the time to resolve; `consequence` says what waits meanwhile; `cause` is the title
    of the group where the title names one order. With no `replay` the button is grey, and the
    advice is the reason.
    """

    title: str
    consequence: str
    advice: str
    severity: int = MEDIUM
    minutes: int = 120
    replay: str = "Replay"
    cause: str = ""
