"""A process that ends between two statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

import psycopg
from django.db import connection

T = TypeVar("T")


class Crashed(Exception):
    """The process ended between two statements."""


@contextmanager
def crashing(after: int) -> Iterator[None]:
    """Let `after` statements through, whoever sends them, and end at the next."""
    left = after

    def send() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crashed

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **options: Any) -> Any:
            send()
            return super().execute(*args, **options)

    def through_django(execute: Callable[..., T], *args: Any) -> T:
        send()
        return execute(*args)

    with (
        mock.patch("retailhub.kernel.rows.psycopg.Cursor", Cursor),
        connection.execute_wrapper(through_django),
    ):
        yield
