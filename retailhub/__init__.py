"""RetailHub: the operational control system between a retailer's systems.

The composition root. `wiring.py` shows every cross-app reaction, top to bottom as the path of an
order; `settings.py` every setting; `kernel/` what all apps stand on.
"""
