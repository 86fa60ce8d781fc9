"""What the three simulated systems have in common: a journal, faults, a door, and a life."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from retailhub.sandbox.control import shared_routes
from retailhub.sandbox.faults import Faults, FaultSettings
from retailhub.sandbox.gate import CallLog, Gate, Manners
from retailhub.sandbox.journal import Journal


class System:
    """One simulated system. `gate` is the ASGI app to serve; its background work lives as long."""

    name: str

    def __init__(self, data: Path, faults: FaultSettings | None = None) -> None:
        folder = data / self.name
        self.journal = Journal(folder, self.name)
        self.faults = Faults(folder / "faults.jsonl", faults)
        self.log = CallLog(folder / "calls.jsonl")
        self.gate: Gate

    def open_gate(self, routes: list[Route], manners: Manners) -> None:
        """Serve these routes beside the control routes, behind the faults."""
        shared = shared_routes(self.name, self.journal, self.faults, self.log)
        app = Starlette(routes=[*shared, *routes], lifespan=self._lifespan)
        self.gate = Gate(app, self.faults, self.log, manners)

    def background(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the answering of calls."""
        return []

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in self.background()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            # A background task that died of a bug must be heard, not swallowed at the end.
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            self.journal.close()
            self.faults.close()
            self.log.close()
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
