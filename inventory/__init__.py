"""Items, places and promises.

Needs nobody: a promise is made to a `reference`, not to an order. `availability.py` explains a
number, `services/` change stock, each change an append-only movement with a unique effect key.
"""
