"""Shopify: orders and refunds come in by webhook and poll, shipments and stock go out by GraphQL.

The wire is Admin API 2026-07. Money is the shop's currency; the shopper's (presentment) currency is
kept beside it and never added to it.
"""

from connectors.systems.shopify.adapter import Shopify

__all__ = ["Shopify"]
