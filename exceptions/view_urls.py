"""Addresses of saved views."""

from django.urls import path

from exceptions import view_pages

urlpatterns = [
    path("", view_pages.view_list, name="views"),
    path("keep/", view_pages.view_keep, name="view-keep"),
    path("<int:view_id>/change/", view_pages.view_change, name="view-change"),
    path("<int:view_id>/move/", view_pages.view_move, name="view-move"),
    path("<int:view_id>/remove/", view_pages.view_remove, name="view-remove"),
]
