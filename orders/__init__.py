"""The canonical order and its steps.

`ls services` reads as the flow: accept, reserve, allocate, pick, ship, deliver, with cancel, hold
and resume beside it. `lifecycle.py` says which state follows which; `sourcing.py` chooses nodes.
"""
