"""The mug with a history, and somebody who sees everything."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inventory.models import Item
from tests.console.conftest import SignedIn
from tests.console.shelves import tell_of_a_mug, three_channels


@pytest.fixture
def mug(db: None) -> Item:
    """The mug with a history."""
    return tell_of_a_mug(three_channels(), now=timezone.now())


@pytest.fixture
def client(as_: SignedIn, mia: User) -> Client:
    """Somebody who sees everything."""
    return as_(mia)
