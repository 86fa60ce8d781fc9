"""Amazon, by the Selling Partner API."""

from connectors.systems.amazon.adapter import Amazon

__all__ = ["Amazon"]
