"""Which key is calling, and what may it do?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from connectors.models import ApiKey
from connectors.services.api_keys import Scope, find_api_key, note_use

if TYPE_CHECKING:
    # Named in the settings that this module reads while it is being imported.
    from rest_framework.views import APIView

F = TypeVar("F", bound=Callable[..., Any])


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer rh_<prefix>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """The key; the user stays nobody, so that nothing takes a program for a person."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, presented = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Send the key as “Authorization: Bearer rh_…”.")
        now = timezone.now()
        key = find_api_key(presented.strip(), now=now)
        if key is None:
            # One sentence for every reason: a prober learns nothing.
            raise AuthenticationFailed("The key is unknown, expired or switched off.")
        note_use(key, now=now)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="RetailHub"'


def needs(*scopes: Scope) -> Callable[[F], F]:
    """Mark an operation as open to keys with any of `scopes`."""

    def mark(operation: F) -> F:
        operation.scopes = frozenset(scopes)  # type: ignore[attr-defined]
        return operation

    return mark


class HasScope(BasePermission):
    """The key has a scope that the operation names. An operation that names none is closed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuses callers without a key, too: the view turns that into a 401."""
        if not isinstance(request.auth, ApiKey):
            return False
        operation = getattr(view, (request.method or "").lower(), None)
        if operation is None:
            return True  # there is no such method here, and the answer says so
        allowed: frozenset[Scope] = getattr(operation, "scopes", frozenset())
        self.message = f"This key lacks the scope {' or '.join(sorted(allowed))}."
        return not allowed.isdisjoint(request.auth.scopes)
