"""Addresses of the desk."""

from django.urls import path

from exceptions import queue, views

urlpatterns = [
    path("", queue.case_list, name="queue"),
    path("rows", queue.case_rows, name="case-rows"),
    path("causes/<int:cause_id>/replay/", views.cause_replay, name="cause-replay"),
    path("<int:case_id>/", views.case_detail, name="case"),
    path("<int:case_id>/mapping/", views.case_mapping, name="case-mapping"),
    path("<int:case_id>/undo/<int:event_id>/", views.case_undo, name="case-undo"),
    path("<int:case_id>/<slug:verb>/", views.case_act, name="case-act"),
]
