"""How does slow work begin? After the commit, by a doorbell that may be lost."""

from __future__ import annotations

import logging
from typing import Any, ParamSpec

from celery import Task
from django.db import transaction

log = logging.getLogger(__name__)

P = ParamSpec("P")


def after_commit(task: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
    """Ring for `task` once the current transaction has committed, or at once outside of one."""
    transaction.on_commit(lambda: ring(task, *args, **kwargs), robust=True)


def ring(task: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
    """Ask a worker to look now. A lost ring costs a second: workers also look by themselves."""
    try:
        task.apply_async(args, kwargs, ignore_result=True, retry=False)
    except Exception as error:  # the row is the queue; the broker may be down
        log.warning("doorbell lost: %s (%s)", task.name, type(error).__name__)
