"""Addresses of correction rules."""

from django.urls import path

from exceptions import rules

urlpatterns = [
    path("", rules.rule_list, name="rules"),
    path("<int:rule_id>/", rules.rule_detail, name="rule"),
    path("<int:rule_id>/end/", rules.rule_end, name="rule-end"),
]
