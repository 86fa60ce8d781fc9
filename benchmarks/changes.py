"""Colleagues at work: so many changes a second to the cases that a page shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from django.db import connection
from django.utils import timezone

from exceptions.services import acts

PER_SECOND = 10


@contextmanager
def changing(case_ids: Sequence[int], *, actor_id: int) -> Iterator[list[int]]:
    """Each case in turn gets an owner and loses them again, in a thread, as long as it is needed.

    Gives the list of what was changed so far.
    """
    done: list[int] = []
    stop = threading.Event()
    begun = time.monotonic()

    def work() -> None:
        turns = cycle((acts.claim_case, acts.release_case))
        rounds = ((act, pk) for act in turns for pk in case_ids)
        try:
            for act, pk in rounds:
                if stop.wait(max(0.0, begun + len(done) / PER_SECOND - time.monotonic())):
                    return
                act(case_id=pk, actor_id=actor_id, now=timezone.now())
                done.append(pk)
        finally:
            connection.close()

    thread = threading.Thread(target=work, name="colleagues")
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
