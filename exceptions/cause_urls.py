"""Addresses of causes."""

from django.urls import path

from exceptions import causes

urlpatterns = [
    path("<int:cause_id>/", causes.cause_detail, name="cause"),
    path("<int:cause_id>/merge/", causes.cause_merge, name="cause-merge"),
    path("<int:cause_id>/split/", causes.cause_split, name="cause-split"),
    path("<int:cause_id>/undo/<int:event_id>/", causes.cause_undo, name="cause-undo"),
]
