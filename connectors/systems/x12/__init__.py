"""EDI in ANSI X12: what is in stock at a partner, as its 846 inventory advice tells.

A gateway or VAN bridge posts each interchange as it came, signed per Standard Webhooks; the secret
is the connection's `webhook_secret`. One interchange is one message. What a partner resends under
its old control numbers is the message we have; another body under them is shown to a person.
"""
