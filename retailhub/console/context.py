"""What every page shows: the counts in the sidebar, and where live updates go on from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from connectors.models import Connection
from exceptions.selectors import counts, shown, visible_connections
from retailhub.kernel.roles import Ability, may
from retailhub.live import TOPICS, newest_sequences


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame around each page. Lazy: fragments and admin pages pay nothing for it."""
    return {
        "nav": SimpleLazyObject(lambda: _counts(request)),
        "live": SimpleLazyObject(lambda: newest_sequences(sorted(TOPICS))),
        "environment": settings.ENVIRONMENT,
    }


def _counts(request: HttpRequest) -> dict[str, int | str]:
    if not request.user.is_authenticated:
        return {}
    troubled = visible_connections(request.user).exclude(health=Connection.Health.HEALTHY)
    return {
        "queue": shown(counts(user=request.user, now=timezone.now(), views=["open"])["open"]),
        "connections": troubled.count(),
        "may_see_all": may(request.user, Ability.SEE_EVERYTHING),
        "may_rule": may(request.user, Ability.EDIT_OWNERSHIP),
    }
