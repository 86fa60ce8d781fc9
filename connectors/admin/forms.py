"""Is this connection set up so that it can work, and so that nobody else gets its secrets?"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from connectors.admin.secrets import PREFIX, SECRETS, saved_names, typed_secrets
from connectors.models import Connection
from connectors.registry import LABELS, MAY_ONLY_TELL, SINKS
from connectors.systems.addresses import RequestForbidden, refuse_private
from inventory.models import Channel
from inventory.telling import Mode

_LOOKS_SECRET = re.compile(r"secret|token|passw|api.?key|private.?key|credential", re.IGNORECASE)
_LABELS = {s.name: s.label.lower() for secrets in SECRETS.values() for s in secrets}


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """Everything of a connection but its secrets, whose fields are added per system."""

    system = forms.ChoiceField(
        choices=list(LABELS.items()), help_text="Can't be changed later: messages are read by it."
    )
    base_url = forms.URLField(
        label="Address",
        required=False,
        max_length=300,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="Where we call it, e.g. https://example.myshopify.com",
    )

    class Meta:
        model = Connection
        fields = "__all__"  # noqa: DJ007 - the admin page names what it shows

    def clean_base_url(self) -> str:
        """Only an address that we would call."""
        url: str = self.cleaned_data["base_url"]
        if not url:
            return url
        try:
            refuse_private(url, allowed_hosts=frozenset(settings.PRIVATE_HOSTS_ALLOWED))
        except RequestForbidden as error:
            raise ValidationError(str(error)) from error
        return url

    def clean_settings(self) -> dict[str, Any]:
        """An object without secrets: settings are shown, and kept in the history."""
        value = self.cleaned_data["settings"]
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise ValidationError('Write an object, e.g. {"account": "1234567"}.')
        for name in value:
            if _LOOKS_SECRET.search(name):
                raise ValidationError(
                    f"“{name}” looks like a secret; those have fields of their own."
                )
        return value

    def clean(self) -> dict[str, Any]:
        """What one field says about another."""
        cleaned = super().clean() or {}
        system = cleaned.get("system", self.instance.system)
        if not cleaned.get("base_url") and "base_url" not in self.errors:
            self._refuse_to_call_nowhere(system, cleaned.get("channel"))
        if cleaned.get("role") == Connection.Role.SHOP and not cleaned.get("channel"):
            self.add_error("channel", "A shop's orders need a channel to belong to.")
        self._refuse_to_carry_secrets(cleaned)
        return cleaned

    def _refuse_to_call_nowhere(self, system: str, channel: Channel | None) -> None:
        """Without an address nothing can be sent, so nothing may be wanted."""
        if system not in SINKS:
            return
        if system not in MAY_ONLY_TELL:
            self.add_error("base_url", f"{LABELS[system]} is called, so it needs an address.")
        elif channel is not None and channel.publish_mode != Mode.OFF:
            told = (
                f"{channel.name} is told stock, so its shop needs an address. Or switch that off."
            )
            self.add_error("base_url", told)

    def _refuse_to_carry_secrets(self, cleaned: dict[str, Any]) -> None:
        """A saved secret goes to no other address than the one it was saved for."""
        # To leave the address empty for a while makes the next one no less another.
        before, after = self.initial.get("base_url") or "", cleaned.get("base_url")
        if self.instance.pk is None or not after or _place(before) == _place(after):
            return
        left = saved_names(self.instance) - typed_secrets(cleaned).keys()
        for name in sorted(left):
            field = PREFIX + name
            if field in self.fields:
                label = _LABELS.get(name, name)
                told = f"The address is another one: type the {label} again to send it there."
                self.add_error(field, told)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
