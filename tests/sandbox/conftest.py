"""A simulated shop, ERP and warehouse on free ports, and a hub that listens to their webhooks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
import uvicorn

from retailhub.sandbox import credentials
from retailhub.sandbox.erp.system import Erp
from retailhub.sandbox.shop.system import Shop
from retailhub.sandbox.wms.system import Wms
from tests.sandbox.estate import Hub, QuickServer, Running, log_in, running, serving


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    config = uvicorn.Config(hub, port=0, log_level="warning", access_log=False, lifespan="off")
    async with serving(QuickServer(config)) as address:
        hub.address = address
        yield hub


@pytest_asyncio.fixture
async def shop(hub: Hub, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(Shop(tmp_path, hub.address + "/hooks/shopify-de/"), tmp_path) as shop:
        shop.client.headers["X-Shopify-Access-Token"] = credentials.SHOP_ACCESS_TOKEN
        await shop.set("/webhooks", first_retry_s=0.02)
        yield shop


@pytest_asyncio.fixture
async def erp(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(Erp(tmp_path), tmp_path) as erp:
        await log_in(erp)
        yield erp


@pytest_asyncio.fixture
async def wms(hub: Hub, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(Wms(tmp_path, hub.address + "/hooks/wms-berlin/"), tmp_path) as wms:
        wms.client.headers["Authorization"] = f"Bearer {credentials.WMS_API_KEY}"
        steps = ("received_s", "picked_s", "packed_s", "shipped_s", "delivered_s")
        await wms.set("/progress", **dict.fromkeys(steps, 0.01), short_share=0, partial_share=0)
        yield wms
