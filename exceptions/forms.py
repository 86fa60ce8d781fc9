"""What a button asks for before it acts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from exceptions.models import ExceptionCase, Team
from exceptions.models.cases import WaitsFor
from exceptions.selectors import workers
from exceptions.services.assign import Choice
from exceptions.services.proof import BY_PERSON
from inventory.selectors import items_by_sku, locations_by_code


class Act(forms.Form):
    """What every act needs: which version of the case the person was looking at."""

    version = forms.IntegerField(
        min_value=1,
        error_messages={"required": "Open the case again: it is not said which version you saw."},
    )


class Reason(Act):
    """Why."""

    reason = forms.CharField(
        max_length=2000, error_messages={"required": "Say why, so that the next person knows."}
    )


class Resolve(Reason):
    """Why, and how it was cured."""

    how = forms.ChoiceField(choices=list(BY_PERSON.items()), required=False)

    def clean_how(self) -> str:
        """By hand, unless it is said."""
        return self.cleaned_data["how"] or "by hand"


class OptionalReason(Act):
    """Why, if there is something to say."""

    reason = forms.CharField(max_length=2000, required=False)


class Note(forms.Form):
    """A line for colleagues."""

    text = forms.CharField(max_length=4000, error_messages={"required": "The note is empty."})


class Snooze(Act):
    """For how long, in minutes."""

    minutes = forms.IntegerField(min_value=1, max_value=7 * 24 * 60)


class Wait(Act):
    """On whom."""

    on_whom = forms.CharField(max_length=120, error_messages={"required": "Say on whom it waits."})
    waits_for = forms.ChoiceField(choices=WaitsFor.choices, required=False)

    def clean_waits_for(self) -> str:
        """The customer, unless it is said."""
        return self.cleaned_data["waits_for"] or WaitsFor.CUSTOMER.value


# How long rules leave alone what a person chose: minutes, or for good, or not at all.
KEEPS = (
    ("forever", "Until somebody lets it go"),
    ("1440", "For a day"),
    ("10080", "For a week"),
    ("", "Until the rules change"),
)


class Assign(Act):
    """To which team, and to whom in it."""

    team = forms.ModelChoiceField(Team.objects.all(), error_messages={"required": "Choose a team."})
    person = forms.ModelChoiceField(workers(), required=False)
    keep = forms.ChoiceField(choices=KEEPS, required=False)

    def clean(self) -> dict[str, Any]:
        """The choice, as the service takes it."""
        values = super().clean() or {}
        if self.errors:
            return values
        person, keep = values["person"], values["keep"]
        choice = Choice(
            team_id=values["team"].pk,
            person_id=person.pk if person else None,
            is_pinned=bool(keep),
            until=_until(keep),
        )
        return {"version": values["version"], "choice": choice}


def _until(keep: str) -> datetime | None:
    return timezone.now() + timedelta(minutes=int(keep)) if keep.isdecimal() else None


ACT_FORMS: dict[str, type[forms.Form]] = {
    "claim": Act,
    "take_over": Reason,
    "release": Act,
    "assign": Assign,
    "wake": Act,
    "replay": Act,
    "snooze": Snooze,
    "wait": Wait,
    "note": Note,
    "resolve": Resolve,
    "ignore": Reason,
    "reopen": OptionalReason,
}


class MappingRowForm(forms.Form):
    """The code that is missing. Inward it is ours, outward theirs."""

    code = forms.CharField(required=False, max_length=200)
    other = forms.CharField(required=False, max_length=200)

    def __init__(self, data: Any, *, case: ExceptionCase) -> None:
        super().__init__(data)
        self._case = case

    def clean(self) -> dict[str, Any]:
        """One of the two must be given; what is typed wins."""
        values = super().clean() or {}
        chosen = (values.get("other") or values.get("code") or "").strip()
        if not chosen:
            raise forms.ValidationError("Choose a code or type one.")
        if not self._case.context.get("external_code") or self._case.connection_id is None:
            raise forms.ValidationError("This exception lacks no mapping.")
        if not self._case.lacks_their_code:
            _must_exist(self._case.context["table"], chosen)
        return {"chosen": chosen}

    def row(self) -> dict[str, Any]:
        """The mapping row to save."""
        missing, chosen = self._case.context["external_code"], self.cleaned_data["chosen"]
        theirs, ours = (chosen, missing) if self._case.lacks_their_code else (missing, chosen)
        return {
            "connection_id": self._case.connection_id,
            "table": self._case.context["table"],
            "external_code": theirs,
            "canonical_code": ours,
            "is_outward": self._case.lacks_their_code,
        }


def _must_exist(table: str, code: str) -> None:
    known = {"SKU": items_by_sku, "LOCATION": locations_by_code}.get(table)
    if known is not None and code not in known({code}):
        raise forms.ValidationError(f"There is no {table.lower()} {code} here. Check the spelling.")


def first_errors(form: forms.Form) -> list[str]:
    """The first message of each field, for the top of the pane."""
    return [str(messages[0]) for messages in form.errors.values()]
