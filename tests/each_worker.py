"""Each worker of a test run has a Redis database of its own, as it has a PostgreSQL one.

Loaded by name before the settings are read.
"""

from __future__ import annotations

import os

_number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _number:
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={int(_number) + 1}")
