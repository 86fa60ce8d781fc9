"""Two shops whose secrets the door knows."""

from __future__ import annotations

import pytest
from django.utils import timezone

from connectors.models import Connection
from connectors.services.credentials import store_credential
from tests.connectors.door import SHOP_SECRET, WEB_SECRET


@pytest.fixture(autouse=True)
def _secrets(shop: Connection, webshop: Connection) -> None:
    for connection, secret in ((shop, SHOP_SECRET), (webshop, WEB_SECRET)):
        store_credential(
            connection_id=connection.pk, name="webhook_secret", secret=secret, now=timezone.now()
        )
