"""Every system we speak to, one line each. No discovery: what is not here does not exist."""

from __future__ import annotations

from collections.abc import Callable

from connectors.systems.amazon.adapter import Amazon
from connectors.systems.base import IntentKind, Json, Lister, Sink, Source
from connectors.systems.custom.adapter import Custom
from connectors.systems.dynamics.adapter import Dynamics
from connectors.systems.netsuite.adapter import NetSuite
from connectors.systems.shopify.adapter import Shopify
from connectors.systems.square.adapter import Square
from connectors.systems.warehouse.adapter import Warehouse
from connectors.systems.x12.adapter import X12
from connectors.systems.x12.envelope import parse as parse_x12

_shopify, _amazon, _netsuite = Shopify(), Amazon(), NetSuite()
_warehouse, _custom = Warehouse(), Custom()

SOURCES: dict[str, Source] = {
    "shopify": _shopify,
    "warehouse": _warehouse,
    "custom": _custom,
    "square": Square(),
    "x12": X12(),
    "dynamics": Dynamics(),
}

# What reads the bytes of those that don't speak JSON. Raises `MappingFailed`.
PARSERS: dict[str, Callable[[bytes], Json]] = {"x12": parse_x12}

SINKS: dict[str, Sink] = {
    "shopify": _shopify,
    "amazon": _amazon,
    "netsuite": _netsuite,
    "warehouse": _warehouse,
    "custom": _custom,
}
# Without an address they are called for nothing: such a connection only tells us.
MAY_ONLY_TELL = frozenset({"custom"})

# Sources whose own list can be compared with what they told us.
LISTERS: dict[str, Lister] = {"shopify": _shopify}

LABELS: dict[str, str] = {
    "shopify": "Shopify",
    "amazon": "Amazon",
    "netsuite": "NetSuite",
    "warehouse": "Warehouse (REST)",
    "custom": "Custom shop",
    "square": "Square",
    "x12": "EDI (X12)",
    "dynamics": "Dynamics 365 Business Central",
}


def sink_at(system: str, base_url: str) -> Sink | None:
    """The sink of a connection to `system` at this address; None where we only hear from it."""
    if system in MAY_ONLY_TELL and not base_url:
        return None
    return SINKS.get(system)


def takes_stock(system: str, base_url: str) -> bool:
    """Whether a connection to `system` at this address can be told stock at all."""
    sink = sink_at(system, base_url)
    return sink is not None and IntentKind.PUBLISH_STOCK in sink.kinds
