"""Addresses of the desk."""

from django.urls import path

from exceptions import editing, one_by_one, queue, rules, views

urlpatterns = [
    path("", queue.case_list, name="queue"),
    path("rows", queue.case_rows, name="case-rows"),
    path("next/", one_by_one.queue_next, name="queue-next"),
    path("take/", one_by_one.queue_take, name="queue-take"),
    path("causes/<int:cause_id>/replay/", views.cause_replay, name="cause-replay"),
    path("<int:case_id>/", views.case_detail, name="case"),
    path("<int:case_id>/mapping/", views.case_mapping, name="case-mapping"),
    path("<int:case_id>/undo/<int:event_id>/", views.case_undo, name="case-undo"),
    path("<int:case_id>/edit/", editing.case_edit, name="case-edit"),
    path("<int:case_id>/edit/first/", editing.case_first_version, name="case-first-version"),
    path("<int:case_id>/try/", editing.case_try, name="case-try"),
    path("<int:case_id>/rule/", rules.rule_offer, name="rule-offer"),
    path("<int:case_id>/skip/", one_by_one.case_skip, name="case-skip"),
    path("<int:case_id>/<slug:verb>/", views.case_act, name="case-act"),
]
