"""The rows of orders, by concept."""

from orders.models.customer import Customer
from orders.models.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    Shipment,
    ShipmentLine,
)
from orders.models.money import Refund
from orders.models.order import Order, OrderLine
from orders.models.timeline import OrderEvent

__all__ = [
    "Customer",
    "FulfillmentLine",
    "FulfillmentOrder",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Refund",
    "Shipment",
    "ShipmentLine",
]
