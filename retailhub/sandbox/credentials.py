"""Which names and secrets the demo estate answers to. They guard nothing but the sandbox."""

from typing import Final

SHOP_DOMAIN: Final = "demo-de.myshopify.example"
SHOP_NAME: Final = "Nordlicht Wohnen"
SHOP_API_VERSION: Final = "2026-07"
SHOP_ACCESS_TOKEN: Final = "shpat_sandbox_2d5b0f64c1a94e0d8f7e3a6b"  # noqa: S105
SHOP_WEBHOOK_SECRET: Final = "shpss_sandbox_7c1e4a90b2d84f6f9a35d8e1"  # noqa: S105

ERP_ACCOUNT: Final = "DEMO_SB1"
ERP_CLIENT_ID: Final = "sandbox-erp-client"
ERP_CLIENT_SECRET: Final = "sandbox-erp-secret-5f0e93b7"  # noqa: S105

WMS_API_KEY: Final = "wms_sandbox_4b8e21d07f"
WMS_WEBHOOK_SECRET: Final = "whsec_c2FuZGJveC13bXMtYmVybGluLXNlY3JldC0wMQ=="  # noqa: S105

MARKET_SELLER_ID: Final = "A2SANDBOXSELLER"
MARKET_ID: Final = "A1PA6795UKMFR9"
MARKET_CLIENT_ID: Final = "amzn1.application-oa2-client.sandbox"
MARKET_CLIENT_SECRET: Final = "amzn1.oa2-cs.v1.sandbox-71d0c2"  # noqa: S105
MARKET_REFRESH_TOKEN: Final = "Atzr|sandbox-4f6e0b2a"  # noqa: S105

SHOP_HOOK_PATH: Final = "/hooks/shopify-de/"
WMS_HOOK_PATH: Final = "/hooks/wms-berlin/"
