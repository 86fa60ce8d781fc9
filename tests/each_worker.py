"""What holds for every worker of a test run.

Loaded by name before the settings are read.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# A Redis database of its own, as it has a PostgreSQL one.
_number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _number:
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={int(_number) + 1}")

# A machine that is busy elsewhere for a moment is no verdict on an example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: their driver keeps a loop running in this thread meanwhile.

    Slow ones come first, so that no worker begins one when the others are done.
    """
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            item.get_closest_marker("slow") is None,
        )
    )
