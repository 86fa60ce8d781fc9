"""How I like my pages."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from exceptions.walk import goes_on
from retailhub.models import Preferences

YEAR = 31_536_000
# The names people look for; the others are aliases of these.
_PLACES = (
    "Africa/",
    "America/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


def _zones() -> list[tuple[str, str]]:
    names = sorted(name for name in available_timezones() if name.startswith(_PLACES))
    found = [(name, name.replace("_", " ")) for name in names]
    return [("", "As everybody here"), ("UTC", "UTC"), *found]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """All of them."""

    time_zone = forms.ChoiceField(choices=_zones, required=False)
    goes_on = forms.BooleanField(required=False)
    digest_hour = forms.TypedChoiceField(
        choices=[("", "Never"), *((str(hour), f"{hour:02}:00") for hour in range(24))],
        coerce=int,
        empty_value=None,
        required=False,
    )

    class Meta:
        model = Preferences
        fields = (
            "time_zone",
            "theme",
            "density",
            "single_keys",
            "goes_on",
            "mails_incidents",
            "digest_hour",
        )


def _own(request: HttpRequest) -> Preferences:
    found: Any = getattr(request.user, "preferences", None)
    return found or Preferences(user_id=request.user.pk or 0)


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """What I chose, to be changed."""
    form = PreferencesForm(instance=_own(request), initial={"goes_on": goes_on(request.user)})
    return _page(request, form)


def _page(request: HttpRequest, form: PreferencesForm, *, status: int = 200) -> HttpResponse:
    return render(request, "console/me.html", {"section": "me", "form": form}, status=status)


@require_POST
def me_save(request: HttpRequest) -> HttpResponse:
    """Keep it. 422 with the form when a field makes no sense."""
    form = PreferencesForm(request.POST, instance=_own(request))
    if not form.is_valid():
        return _page(request, form, status=422)
    kept = form.save()
    messages.success(request, "Kept. It holds on every device you sign in on.")
    response = HttpResponseRedirect(reverse("me"), status=303)
    # A page's own switch works on this device; what is chosen here counts from now on.
    if kept.theme:
        response.set_cookie("theme", kept.theme, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie("theme")
    return response
