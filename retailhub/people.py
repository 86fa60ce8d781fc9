"""Who asks, and in which time zone do they read?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class PeopleBackend(ModelBackend):
    """Passwords as Django keeps them; whoever is signed in comes with their preferences."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, in one question."""
        found = User.objects.select_related("preferences").filter(pk=user_id).first()
        return found if found is not None and self.user_can_authenticate(found) else None


def zone_of(user: Any) -> ZoneInfo | None:
    """The time zone somebody chose, or None for that of the house."""
    name = getattr(getattr(user, "preferences", None), "time_zone", "")
    return ZoneInfo(name) if name else None


def own_time_zone(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Every time on a page is in the zone of whoever reads it."""

    def answer(request: HttpRequest) -> HttpResponse:
        zone = zone_of(request.user)
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            return get_response(request)

    return answer
