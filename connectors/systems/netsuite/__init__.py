"""NetSuite: sales orders and item fulfilments go in through its REST records.

A sales order is written by upsert under our reference (`PUT /salesOrder/eid:<reference>`) and an
item fulfilment carries ours as its external id, so asking twice makes one record.
"""

from connectors.systems.netsuite.adapter import NetSuite

__all__ = ["NetSuite"]
