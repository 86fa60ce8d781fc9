"""Which address leads where."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from retailhub.console import (
    audit,
    connections,
    mappings,
    me,
    orders,
    ownership,
    pages,
    search,
    system,
)
from retailhub.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", pages.home, name="home"),
    path("login/", pages.SignIn.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("queue/", include("exceptions.urls")),
    path("views/", include("exceptions.view_urls")),
    path("causes/", include("exceptions.cause_urls")),
    path("rules/", include("exceptions.rule_urls")),
    path("replays/", include("exceptions.replay_urls")),
    path("orders/", orders.order_list, name="orders"),
    path("orders/<int:order_id>/", orders.order_detail, name="order"),
    path("connections/", connections.connection_list, name="connections"),
    path("connections/<slug:slug>/", connections.connection_detail, name="connection"),
    path("connections/<slug:slug>/test/", connections.connection_test, name="connection-test"),
    path("connections/<slug:slug>/pause/", connections.connection_pause, name="connection-pause"),
    path(
        "connections/<slug:slug>/resume/", connections.connection_resume, name="connection-resume"
    ),
    path("mappings/", RedirectView.as_view(pattern_name="mappings"), {"table": "sku"}),
    path("mappings/<slug:table>/", mappings.mapping_list, name="mappings"),
    path("mappings/<slug:table>/save/", mappings.mapping_save, name="mapping-save"),
    path("inventory/", include("retailhub.console.inventory.urls")),
    path("ownership/", ownership.ownership, name="ownership"),
    path("ownership/apply/", ownership.ownership_apply, name="ownership-apply"),
    path("ownership/rules/save/", ownership.rule_save, name="rule-save"),
    path("ownership/rules/<int:rule_id>/remove/", ownership.rule_remove, name="rule-remove"),
    path("ownership/absences/save/", ownership.absence_save, name="absence-save"),
    path(
        "ownership/absences/<int:absence_id>/remove/",
        ownership.absence_remove,
        name="absence-remove",
    ),
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.audit_export, name="audit-export"),
    path("audit/<int:event_id>/erase/", audit.audit_erase, name="audit-erase"),
    path("me/", me.me, name="me"),
    path("me/save/", me.me_save, name="me-save"),
    path("search/", search.search, name="search"),
    path("search/options/", search.search_options, name="search-options"),
    path("system/", system.system, name="system"),
    path("live/since", pages.live_since, name="live-since"),
    path("api/", include("retailhub.api.urls")),
    path("admin/", admin.site.urls),
]
