"""The small pages: the way in, and the catch-up of live updates."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from retailhub.demo import PEOPLE
from retailhub.kernel.roles import Role
from retailhub.kernel.text import whole_number
from retailhub.live import TOPICS, changes_since


class SignIn(LoginView):
    """Sign in; a development database shows its demo people."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The demo people, where there are any."""
        context = super().get_context_data(**kwargs)
        if settings.SHOWS_DEMO_ACCOUNTS:
            context["demo_accounts"] = [
                {"username": p.username, "password": p.password, "name": p.name, "role": p.does}
                for p in PEOPLE
            ]
        return context


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Each role lands where its day begins."""
    names = set(request.user.groups.values_list("name", flat=True))
    return redirect("connections" if Role.ADMIN.value in names else "queue")


@require_GET
def live_since(request: HttpRequest) -> HttpResponse:
    """What a page missed: `{seq, items}` or `{reset: true}` when it is too much."""
    topic, since = request.GET.get("topic", ""), whole_number(request.GET.get("seq", ""))
    if topic not in TOPICS or since is None:
        return JsonResponse({"reset": True})
    sequence, items = changes_since(topic, since)
    if items is None:
        return JsonResponse({"reset": True, "seq": sequence})
    return JsonResponse({"seq": sequence, "items": items})
