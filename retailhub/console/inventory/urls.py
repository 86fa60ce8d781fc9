"""Addresses of stock. A SKU may hold anything, so that it comes last and acts go by id."""

from django.urls import path

from retailhub.console.inventory import acts, item, listing, rules, runs

urlpatterns = [
    path("", listing.item_list, name="inventory"),
    path("rules/", rules.rule_list, name="stock-rules"),
    path("rules/new/", rules.rule_save, name="stock-rule-new"),
    path("rules/<int:rule_id>/", rules.rule_detail, name="stock-rule"),
    path("rules/<int:rule_id>/save/", rules.rule_save, name="stock-rule-save"),
    path("rules/<int:rule_id>/remove/", rules.rule_remove, name="stock-rule-remove"),
    path("runs/", runs.run_list, name="stock-runs"),
    path("runs/<int:run_id>/", runs.run_detail, name="stock-run"),
    path("id/<int:item_id>/", item.item_by_id, name="item-by-id"),
    path("id/<int:item_id>/push/", acts.item_push, name="item-push"),
    path("id/<int:item_id>/pause/", acts.item_pause, name="item-pause"),
    path("id/<int:item_id>/resume/", acts.item_resume, name="item-resume"),
    path("id/<int:item_id>/recount/", acts.item_recount, name="item-recount"),
    path("<path:sku>/", item.item_detail, name="item"),
]
