"""How fast are we, as a share of what this machine can do and beside the obvious way?

`python -m benchmarks NAME` runs *ours*, the *limit* and a *peer* in turn, round after round, so
that whatever else the machine does slows all three alike. Only ratios of one run mean anything.
"""
