"""Starts the product on one machine that has nothing but Python.

PostgreSQL and Valkey are real, private and reached through unix sockets only. Their programs come
from the environment, from two wheels, or from the machine, in that order; see `programs`.

Why no process manager from a package: honcho ends everything when one process dies, supervisord
leaves orphans when it is killed, and neither would start the two servers first and stop them last.
What is left to write is one loop (`keeper`) and one heir that cleans up after it (`reaper`).

Nothing in the product imports this package.
"""
