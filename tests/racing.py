"""Several workers at the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start every act at the same moment; what each gave back or raised, in their order."""
    gate = threading.Barrier(len(acts))
    ends: list[T | Exception | None] = [None] * len(acts)

    def run(index: int) -> None:
        try:
            connection.ensure_connection()
            gate.wait(timeout=120)  # a busy machine connects slowly
            ends[index] = acts[index]()
        except Exception as error:
            ends[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return [end for end in ends if end is not None]
