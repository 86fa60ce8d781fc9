"""What a rule is made of, as people type it: an item by its SKU, nothing for everywhere."""

from __future__ import annotations

from typing import Any

from django import forms

from inventory.availability import Knob
from inventory.models import AvailabilityRule, Item
from retailhub.console.inventory.rule_words import NODE_KNOBS
from retailhub.kernel.text import plain

_UNITS = {Knob.SHARE: 100, Knob.HORIZON: 24 * 365}
MOST_UNITS = 1_000_000


class RuleForm(forms.ModelForm):  # type: ignore[type-arg] # takes no [] at run time
    """A row of the rule table; the database's own constraints say no in kind words first."""

    sku = forms.CharField(required=False, max_length=80, label="Item (SKU)")

    class Meta:
        model = AvailabilityRule
        fields = ("knob", "value", "category", "channel", "location", "note")
        labels = {"knob": "Rule", "value": "Number", "location": "Node", "note": "Why"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.item is not None:
            self.initial["sku"] = self.instance.item.sku

    def clean_sku(self) -> str:
        """The item must be there."""
        sku = plain(self.cleaned_data["sku"])
        self.instance.item = Item.objects.filter(sku=sku).first() if sku else None
        if sku and self.instance.item is None:
            raise forms.ValidationError(f"There is no item {sku}. Check the spelling.")
        return sku

    def clean(self) -> dict[str, Any]:
        """Say what does not go together."""
        cleaned = super().clean() or {}
        knob, value = Knob(cleaned.get("knob") or Knob.BUFFER), cleaned.get("value") or 0
        if cleaned.get("sku") and cleaned.get("category"):
            self.add_error("category", "Name an item or a category, not both.")
        if cleaned.get("location") and knob not in NODE_KNOBS:
            self.add_error("location", "This rule is a channel's: leave the node empty.")
        most = _UNITS.get(knob, MOST_UNITS)
        if value > most:
            self.add_error("value", f"Use {most} or less.")
        return cleaned
