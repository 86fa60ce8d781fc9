"""Where may the power go out? Named places that a rehearsal can break, free otherwise.

`RETAILHUB_FAILPOINTS="outbox.after_send=kill:0.02;inbox.claimed=raise"` makes a place sleep, raise
or end its process, always or with a probability. Unset, a failpoint is one dictionary look-up.
"""

from __future__ import annotations

import os
import random
import signal
import time


class FailpointHit(RuntimeError):
    """Raised on purpose by a rehearsal."""


def _parse(setting: str) -> dict[str, tuple[str, float]]:
    points: dict[str, tuple[str, float]] = {}
    for entry in filter(None, setting.split(";")):
        name, _, action = entry.partition("=")
        verb, _, share = action.partition(":")
        points[name] = (verb, float(share or 1))
    return points


_points = _parse(os.environ.get("RETAILHUB_FAILPOINTS", ""))


def failpoint(name: str) -> None:
    """Do what the rehearsal asked for at `name`; nothing in normal life."""
    planned = _points.get(name)
    if planned is None:
        return
    verb, share = planned
    if random.random() >= share:  # noqa: S311 - a rehearsal, not a secret
        return
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "sleep":
        time.sleep(2)
    if verb == "raise":
        raise FailpointHit(name)
