"""What can stop an order."""

from __future__ import annotations

from retailhub.kernel.errors import NeedsOperator, RetryLater


class OrderUnknown(RetryLater):
    """The order this speaks of has not been heard of yet."""

    code = "connectors.parent_missing"


class FulfillmentUnknown(RetryLater):
    """No fulfilment order has this reference yet."""

    code = "connectors.parent_missing"


class NotShippedYet(RetryLater):
    """Delivery was told before the shipment; the shipment must be on its way to us."""

    code = "connectors.parent_missing"


class ShipsTooMuch(NeedsOperator):
    """A node says it shipped more than it was asked for."""

    code = "orders.ships_too_much"


class NodeShort(NeedsOperator):
    """The node can't find the goods it was asked for."""

    code = "orders.node_short"


class CancelledAtNode(NeedsOperator):
    """The node cancelled what nobody asked it to cancel."""

    code = "orders.cancelled_at_node"


class TooLateToCancel(NeedsOperator):
    """Part of the order has left; it can't be cancelled any more, only returned."""

    code = "orders.too_late_to_cancel"


class ChangedAfterRelease(NeedsOperator):
    """The channel changed the lines of an order that a node already works on."""

    code = "orders.changed_after_release"


class AwaitingPayment(NeedsOperator):
    """The money is not there, or not there any more. Ends by itself when it comes."""

    code = "orders.awaiting_payment"


class PaymentLost(NeedsOperator):
    """The money is gone although nodes were asked to send the goods, or have sent them."""

    code = "orders.payment_lost"


class FulfilledElsewhere(NeedsOperator):
    """Somebody else has sent all of it."""

    code = "orders.fulfilled_elsewhere"


class PartlyUnderWay(NeedsOperator):
    """Part of the order has left or is being worked on, so it can't be placed again as a whole."""

    code = "orders.partly_under_way"


class OrderUnexpected(NeedsOperator):
    """Something we did not foresee stopped a step of an order: our bug."""

    code = "orders.unexpected"


class NoNodeConnection(NeedsOperator):
    """No warehouse connection serves the node an order was placed at."""

    code = "orders.no_node_connection"
