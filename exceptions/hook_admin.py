"""Who is told by webhook, and what they were told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from connectors.systems.addresses import AddressGuard
from exceptions.models import Notice, Subscription
from exceptions.models.hooks import Kind
from exceptions.services.send_again import send_again
from exceptions.services.subscriptions import end_old_secret, is_secret, keep_secret
from retailhub.kernel.admin import AdminsOnly, HistoryAdmin, NeverDeleted, RecordAdmin
from retailhub.kernel.errors import NeedsOperator


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """Where, about what, and the secret: written here, never shown again."""

    url = forms.URLField(
        label="Address", max_length=300, assume_scheme="https", help_text="https and public."
    )
    kinds = forms.MultipleChoiceField(choices=Kind.choices, widget=forms.CheckboxSelectMultiple)
    secret = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
        help_text="What both sides sign with: whsec_ and 24 to 64 random bytes in base64."
        " Leave empty to keep what is saved. With a new one, what we send carries two signatures"
        " for 24 hours, one by the new secret and one by the old: enter the new one there too"
        " within that time.",
    )
    old_ends_now = forms.BooleanField(
        label="The old secret ends now",
        required=False,
        help_text="Tick it when somebody may have seen the old one. Until the new one is entered"
        " there, what we send is refused; it is tried again for six hours.",
    )

    class Meta:
        model = Subscription
        fields = ("name", "url", "kinds", "team", "secret", "old_ends_now", "is_active")

    def clean_url(self) -> str:
        """Only what we may call."""
        url: str = self.cleaned_data["url"]
        try:
            AddressGuard(frozenset(settings.PRIVATE_HOSTS_ALLOWED)).check(url)
        except NeedsOperator as error:
            raise ValidationError(str(error)) from None
        return url

    def clean_secret(self) -> str:
        """One that is strong enough, if there is to be a new one."""
        secret: str = self.cleaned_data["secret"]
        if not secret and not self.instance.ciphertext:
            raise ValidationError("Without a secret nobody can tell that it was us.")
        if secret and not is_secret(secret):
            raise ValidationError("Write whsec_ and 24 to 64 bytes in base64.")
        return secret


@admin.register(Subscription)
class SubscriptionAdmin(AdminsOnly, NeverDeleted, HistoryAdmin):
    """Addresses that are told when cases open, breach or close."""

    scope = ""
    form = SubscriptionForm
    list_display = ("name", "url", "team", "is_active", "failing_since", "last_error")
    list_select_related = ("team",)
    list_filter = ("is_active",)
    ordering = ("name", "pk")
    readonly_fields = ("fingerprint", "former_until", "failing_since", "last_error", "next_try_at")

    def get_fields(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        """A new one has no past yet, and no old secret."""
        fields = super().get_fields(request, obj)
        unknown = () if obj else ("old_ends_now", *self.readonly_fields)
        return [name for name in fields if name not in unknown]

    def save_model(
        self, request: HttpRequest, obj: Subscription, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """The secret is bound to the row, so the row comes first."""
        if "is_active" in form.changed_data and obj.is_active:
            obj.failures, obj.failing_since, obj.next_try_at = 0, None, timezone.now()
        if secret := form.cleaned_data["secret"]:
            if obj.pk is None:
                super().save_model(request, obj, form, change)
            keep_secret(obj, secret, now=timezone.now())
        if form.cleaned_data.get("old_ends_now"):
            end_old_secret(obj)
        super().save_model(request, obj, form, change)


@admin.register(Notice)
class NoticeAdmin(RecordAdmin, AdminsOnly):
    """What was told, newest first; it can be told again under the same id."""

    scope = ""
    list_display = ("id", "kind", "case", "subscription", "state", "attempts", "status", "sent_at")
    list_filter = ("state", "kind", "subscription")
    list_select_related = ("case", "subscription")
    exact_search = ("case__pk",)
    ordering = ("-created_at",)
    fields = (
        "id", "subscription", "case", "kind", "payload", "state", "attempts", "status", "error",
        "created_at", "sent_at",
    )  # fmt: skip
    actions = ("send_again",)  # type: ignore[assignment]

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Notice]) -> None:
        """At once, under the id they had."""
        count = send_again(notice_ids=list(rows.values_list("pk", flat=True)), now=timezone.now())
        messages.success(request, f"{count} will be sent again.")
