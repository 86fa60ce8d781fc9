"""A desk with work on it, asked over plain HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from connectors.drains import drain_inbox
from connectors.models import Connection
from exceptions.models import ExceptionCase, Team
from tests.browser.world import order_arrives


class SignedIn(Protocol):
    def __call__(self, user: User) -> Client: ...


@pytest.fixture
def as_(db: None) -> SignedIn:
    """A client in which somebody is signed in: `as_(ana)`."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def team(orders_team: Team, webshop: Connection) -> Team:
    """Ana's team looks after the web shop too."""
    orders_team.connections.add(webshop)
    return orders_team


@pytest.fixture
def lea(db: None, team: Team) -> User:
    """The lead of Ana's team."""
    user = User.objects.create(username="lea", first_name="Lea")
    user.groups.add(Group.objects.get_or_create(name="lead")[0])
    team.members.add(user)
    return user


@pytest.fixture
def stuck(
    team: Team, webshop: Connection, time_passes: Callable[[], None]
) -> Callable[..., list[ExceptionCase]]:
    """Orders of something nobody told us the name of: `stuck(3)`."""

    def order(count: int, sku: str = "MUG-XMAS") -> list[ExceptionCase]:
        first = ExceptionCase.objects.count() + 1
        numbers = [f"{sku}-{first + i:03}" for i in range(count)]
        for number in numbers:
            order_arrives(webshop, number, sku)
        time_passes()
        drain_inbox()
        return list(ExceptionCase.objects.filter(order_number__in=numbers).order_by("pk"))

    return order
