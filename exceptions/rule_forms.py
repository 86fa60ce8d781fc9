"""What the ownership page asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from connectors.registry import LABELS
from exceptions.models import Absence, OwnershipRule


def _dress(form: forms.BaseForm) -> None:
    for field in form.fields.values():
        field.widget.attrs["class"] = "input"


class OwnershipRuleForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """A row of the draft. Everything but the team may stay empty."""

    class Meta:
        model = OwnershipRule
        fields = (
            "position", "team", "connection", "system", "node", "code_prefix", "country", "region",
            "value_from", "value_below", "currency", "order_tag", "customer_tag",
        )  # fmt: skip
        labels = {
            "position": "Read as number",
            "code_prefix": "Code starts with",
            "value_from": "Value from",
            "value_below": "Value below",
            "order_tag": "Order tag",
            "customer_tag": "Customer tag",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        systems = [("", "Any"), *sorted(LABELS.items())]
        self.fields["system"] = forms.ChoiceField(choices=systems, required=False)
        for name, empty in (("connection", "Any"), ("node", "Any"), ("team", "Choose")):
            choices: Any = self.fields[name]
            choices.empty_label = empty
            choices.queryset = choices.queryset.order_by("name", "pk")
        _dress(self)

    def clean(self) -> dict[str, Any]:
        """Amounts say what they are in, and leave room between them."""
        values = super().clean() or {}
        values["country"] = (values.get("country") or "").upper()
        values["currency"] = (values.get("currency") or "").upper()
        least, below = values.get("value_from"), values.get("value_below")
        if (least is not None or below is not None) and not values["currency"]:
            self.add_error("currency", "Say the currency of the amounts, for example EUR.")
        if least is not None and below is not None and least >= below:
            self.add_error("value_below", "No order is both. Choose a higher amount.")
        return values


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """From when until when somebody gets nothing new by itself."""

    class Meta:
        model = Absence
        fields = ("person", "begins_at", "ends_at")
        labels = {"begins_at": "Away from", "ends_at": "Back on"}
        widgets = {
            name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("begins_at", "ends_at")
        }

    def __init__(self, *args: Any, people: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person: Any = self.fields["person"]
        person.queryset = people
        _dress(self)

    def clean(self) -> dict[str, Any]:
        """It ends after it begins."""
        values = super().clean() or {}
        begins, ends = values.get("begins_at"), values.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", "Choose a moment after the first.")
        return values
