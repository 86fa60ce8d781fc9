"""Stock: what is at risk, one item's numbers and why, every change, and the rules.

`listing.py` is the list, `item.py` one item. What an item shows comes from `waterfall.py` (the sum,
line by line), `offers.py` (what channels were told and show), `ledger.py` (every change) and
`past.py` (what we said at that moment).
"""
