"""The steps of an order, in the order they happen:

accept → reserve → allocate → (node: acknowledge, pick, pack) → ship → deliver; beside them hold,
resume, cancel, refund. Each is one durable transaction that asks "am I still due?" before it acts.
"""
