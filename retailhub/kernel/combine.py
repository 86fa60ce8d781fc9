"""How do many threads that want the same thing avoid a queue? One of them asks for all.

Who finds nobody settling settles whatever waits; who comes meanwhile is settled together with the
others that came meanwhile, by one of them. There is no timer and no thread of its own: a lone
request waits for nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from django.db import OperationalError

Q = TypeVar("Q")
A = TypeVar("A")


class _Turn(Generic[Q, A]):
    """One request, and a bell that its thread sleeps on."""

    __slots__ = ("answer", "bell", "is_called", "is_done", "request")

    def __init__(self, request: Q) -> None:
        self.request = request
        self.answer: A | Exception | None = None
        self.is_done = self.is_called = False
        # A bare lock wakes its one sleeper for a fraction of what an Event costs.
        self.bell = threading.Lock()
        self.bell.acquire()


class Combiner(Generic[Q, A]):
    """Settles requests of this process that arrive together by one call of `settle`.

    `settle` answers each request, in their order; an answer that is an exception is raised to its
    asker. When it fails for a batch, each request is settled alone: a bad one harms no other.
    """

    def __init__(
        self, settle: Callable[[Sequence[Q]], Sequence[A | Exception]], *, most: int = 256
    ) -> None:
        self._settle, self._most = settle, most
        self._guard = threading.Lock()
        self._waiting: deque[_Turn[Q, A]] = deque()
        self._is_led = False

    def ask(self, request: Q) -> A:
        """The answer to `request`. Raises what settling it raised."""
        turn: _Turn[Q, A] = _Turn(request)
        with self._guard:
            self._waiting.append(turn)
            leads, self._is_led = not self._is_led, True
        if not leads:
            self._sleep(turn)
        if not turn.is_done:
            self._lead()
        if isinstance(turn.answer, Exception):
            raise turn.answer
        return cast("A", turn.answer)

    def _sleep(self, turn: _Turn[Q, A]) -> None:
        try:
            turn.bell.acquire()
        except BaseException:  # a worker's time limit, ctrl-C: nobody will be there to lead
            with self._guard:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                if turn.is_called:
                    self._call_next()
            raise

    def _lead(self) -> None:
        self._let_others_arrive()
        with self._guard:
            size = min(len(self._waiting), self._most)
            batch = [self._waiting.popleft() for _ in range(size)]
        try:
            self._answer(batch)
        except BaseException as error:
            ended = RuntimeError(f"whoever settled this was ended: {type(error).__name__}")
            for turn in batch:
                turn.answer = ended if turn.answer is None else turn.answer
            raise
        finally:
            for turn in batch:
                turn.is_done = True
                turn.bell.release()
            with self._guard:
                self._call_next()

    def _let_others_arrive(self) -> None:
        # Those who were just answered are awake but not here yet. Without this one goes ahead of
        # all of them by itself, again and again. It waits for nobody: it only lets them run first.
        seen = 0
        while len(self._waiting) > seen:
            seen = len(self._waiting)
            time.sleep(0)

    def _call_next(self) -> None:
        """The one who has waited longest leads now; if nobody waits, whoever comes."""
        self._is_led = bool(self._waiting)
        if self._is_led:
            self._waiting[0].is_called = True
            self._waiting[0].bell.release()

    def _answer(self, batch: Sequence[_Turn[Q, A]]) -> None:
        try:
            answers = self._settle([turn.request for turn in batch])
            for turn, answer in zip(batch, answers, strict=True):
                turn.answer = answer
        except OperationalError as error:  # the database or a lock: nobody's fault, soon over
            for turn in batch:
                turn.answer = error
        except Exception as error:
            if len(batch) == 1:
                batch[0].answer = error
                return
            for turn in batch:
                self._answer([turn])
