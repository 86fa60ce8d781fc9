"""Does the hub keep its promises when everything around it breaks? Tries it, and counts.

`manage.py rehearse --orders 200 --kills 10 --seed 7` starts servers of its own, the whole product
and the simulated estate, sends orders through it, breaks what can break, waits until all is quiet
and compares ledgers with the database. It never asks the product how it went.

    plan        what will happen, from the seed
    estate      servers and processes, kept alive as a supervisor would
    stage       the connections and stock the rehearsal begins with
    producer    a process of its own that knocks at the door and writes down what was acknowledged
    nemesis     kills, stops, flushes, crashes; counts what really landed
    evidence    the ledgers and the rows, read once, as plain data
    invariants  pure checks over the evidence: I1 to I10 and I12
    sabotage    bugs planted on purpose: a harness that finds none of them proves nothing

Nothing in the product imports this package.
"""
