"""The door while the database is away: come again, and nothing is taken twice or lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings

from connectors.door import batcher
from connectors.models import InboundMessage
from tests.connectors.door import knock, shopify

pytestmark = pytest.mark.django_db(transaction=True)


class _Away:
    def __init__(self, databases: dict[str, Any]) -> None:
        self.DATABASES = databases


@pytest.fixture
def database_is_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The door's own connections lead to a socket where nobody answers."""
    database = dict(django_settings.DATABASES["default"])
    away = {"default": {**database, "HOST": "127.0.0.1", "PORT": "1"}}
    with monkeypatch.context() as patch:
        patch.setattr(batcher, "settings", _Away(away))
        yield


@pytest.mark.usefixtures("database_is_away")
def test_while_the_database_is_away_senders_are_asked_to_come_again() -> None:
    said = knock(*[shopify(b'{"id": 1}', event=f"e{n}") for n in range(5)])

    assert [answer.status_code for answer in said] == [503] * 5
    assert {answer.headers["retry-after"] for answer in said} == {"5"}
    assert not InboundMessage.objects.exists()


def test_after_the_database_came_back_the_same_delivery_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = django_settings
    away = {"default": {**true.DATABASES["default"], "HOST": "127.0.0.1", "PORT": "1"}}
    monkeypatch.setattr(batcher, "settings", _Away(away))

    def come_back() -> None:
        monkeypatch.setattr(batcher, "settings", true)

    said = knock(shopify(b'{"id": 1}'), shopify(b'{"id": 1}'), between=come_back)

    assert [(answer.status_code, answer.text) for answer in said] == [
        (503, "Not stored. Send it again."),
        (200, "stored"),
    ]
