"""Addresses of replays of many."""

from django.urls import path

from exceptions import replays

urlpatterns = [
    path("", replays.run_list, name="replays"),
    path("select/", replays.select, name="replay-select"),
    path("select/all/", replays.select_all, name="replay-select-all"),
    path("plan/<uuid:scope_id>/", replays.plan, name="replay-plan"),
    path("<int:run_id>/", replays.run_detail, name="replay-run"),
    path("<int:run_id>/<slug:verb>/", replays.run_act, name="replay-act"),
]
