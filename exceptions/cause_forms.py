"""What merging and splitting causes asks for."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import QueryDict

from exceptions.services.split_cause import MOST
from retailhub.kernel.text import whole_number

_WHY = {"required": "Say why, so that the next person knows."}


class MergeForm(forms.Form):
    """Into which cause, and why."""

    into = forms.IntegerField(
        min_value=1, error_messages={"required": "Choose the cause it is part of."}
    )
    reason = forms.CharField(max_length=2000, error_messages=_WHY)


class SplitForm(forms.Form):
    """Which cases, what their own cause is called, and why."""

    cases = forms.TypedMultipleChoiceField(
        coerce=int, error_messages={"required": "Tick the exceptions that have another cause."}
    )
    title = forms.CharField(
        max_length=300, error_messages={"required": "Say what their own cause is, in one line."}
    )
    reason = forms.CharField(max_length=2000, error_messages=_WHY)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        # Which of them are of this cause, the service tells: here they are only numbers.
        numbers = [one for one in data.getlist("cases") if whole_number(one)][:MOST]
        cases = cast("forms.TypedMultipleChoiceField", self.fields["cases"])
        cases.choices = [(one, one) for one in numbers]
