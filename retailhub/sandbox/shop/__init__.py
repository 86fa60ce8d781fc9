"""A Shopify shop in Germany: its API, its webhooks and its customers."""
