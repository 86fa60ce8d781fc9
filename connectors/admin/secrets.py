"""Fields for secrets: they take one in, and show only that there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connectors.models import Connection, Credential

PREFIX = "secret_"


@dataclass(frozen=True)
class Secret:
    """A secret that a system needs: its name in `Credential`, and what people call it."""

    name: str
    label: str
    help_text: str

    @property
    def field(self) -> str:
        return PREFIX + self.name


_WEBHOOK = "What the other side signs its messages with"

SECRETS: dict[str, tuple[Secret, ...]] = {
    "shopify": (
        Secret("access_token", "Access token", "Of the custom app, e.g. shpat_…"),
        Secret("webhook_secret", "Webhook secret", f"{_WEBHOOK}: the app's client secret."),
    ),
    "amazon": (
        Secret("refresh_token", "Refresh token", "The seller's permission, e.g. Atzr|…"),
        Secret("client_id", "Client ID", "Of the Login with Amazon app."),
        Secret("client_secret", "Client secret", "Of the Login with Amazon app."),
    ),
    "netsuite": (
        Secret("client_id", "Client ID", "Of the integration record."),
        Secret("client_secret", "Client secret", "Of the integration record."),
    ),
    "warehouse": (
        Secret("api_key", "API key", "What we sign in with."),
        Secret("webhook_secret", "Webhook secret", f"{_WEBHOOK}, e.g. whsec_…"),
    ),
    "custom": (
        Secret(
            "webhook_secret",
            "Webhook secret",
            "What both sides sign their messages with, e.g. whsec_…",
        ),
        Secret(
            "api_token", "Bearer token", "What we sign in with at its address, if it wants one."
        ),
    ),
}


class SecretInput(forms.PasswordInput):
    """Never holds a value; tells what is saved and opens for a new one."""

    def __init__(self, saved: str) -> None:
        super().__init__(
            render_value=False,
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "data-1p-ignore": "",
                "data-lpignore": "true",
                "class": "vTextField",
            },
        )
        self._saved = saved

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """What is saved, and below it a field to replace it, closed until it is wanted."""
        field = super().render(name, None, attrs, renderer)
        if not self._saved:
            return field
        return format_html(
            '<div class="secret"><p>{}</p><details><summary>Replace</summary>{}</details></div>',
            self._saved,
            field,
        )


def secret_fields(connection: Connection) -> dict[str, forms.CharField]:
    """A field for each secret that the connection's system needs."""
    rows = list(
        Credential.objects.filter(
            Q(retires_at=None) | Q(retires_at__gt=timezone.now()), connection=connection
        )
        .defer("ciphertext")
        .order_by("-pk")
    )
    return {
        secret.field: forms.CharField(
            label=secret.label,
            required=False,
            max_length=4000,
            help_text=f"{secret.help_text} Leave empty to keep what is saved.",
            widget=SecretInput(_saved([row for row in rows if row.name == secret.name])),
        )
        for secret in SECRETS.get(connection.system, ())
    }


def _saved(rows: list[Credential]) -> str:
    """The newest one and, while it lasts, the one before."""
    current = next((row for row in rows if row.retires_at is None), None)
    if current is None:
        return ""
    told = f"Saved {timezone.localtime(current.created_at):%d %b %Y}"
    if current.last_four:
        told += f", ends with …{current.last_four}"
    before = next((row for row in rows if row.retires_at is not None), None)
    if before is not None and before.retires_at is not None:
        until = timezone.localtime(before.retires_at)
        told += f". The one before stays valid until {until:%d %b, %H:%M}"
    return told + "."


def typed_secrets(cleaned: dict[str, Any]) -> dict[str, str]:
    """What was typed into a form's secret fields, by the secret's name."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in cleaned.items()
        if name.startswith(PREFIX) and value
    }


def saved_names(connection: Connection) -> set[str]:
    """Names of the secrets that `connection` has."""
    rows = Credential.objects.filter(connection=connection, retires_at=None)
    return set(rows.values_list("name", flat=True))
