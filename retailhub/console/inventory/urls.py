"""Addresses of stock. A SKU may hold anything, so that it comes last and acts go by id."""

from django.urls import path

from retailhub.console.inventory import item, listing

urlpatterns = [
    path("", listing.item_list, name="inventory"),
    path("id/<int:item_id>/", item.item_by_id, name="item-by-id"),
    path("<path:sku>/", item.item_detail, name="item"),
]
