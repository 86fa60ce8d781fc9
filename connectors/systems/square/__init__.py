"""Square, the point of sale of stores: what is in stock there.

Its webhooks come as they are subscribed to; a topic we don't read is refused by name. The secret of
a connection is the subscription's signature key and, after a space, its notification address as it
is written at Square: both are signed, and behind a proxy we can't know the address.
"""
