"""manage.py sandbox: a shop, an ERP and a warehouse to connect the hub to."""

import asyncio
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from retailhub.sandbox.faults import SettingError
from retailhub.sandbox.run import NAMES, Plan, plan_from_environment, read_faults, serve


class Command(BaseCommand):
    help = "Run the simulated shop, ERP and warehouse until SIGTERM or Ctrl-C."
    requires_system_checks = []  # it needs no database and no settings of ours

    def add_arguments(self, parser: ArgumentParser) -> None:
        plan = plan_from_environment()
        for name in NAMES:
            parser.add_argument(f"--{name}-port", type=int, default=plan.ports[name])
        parser.add_argument("--hub", default=plan.hub, help="where the webhooks go")
        parser.add_argument("--rate", type=float, default=plan.rate, help="orders per minute")
        parser.add_argument("--data", type=Path, default=plan.data, help="ledgers and state")
        parser.add_argument("--only", choices=NAMES, help="run one system alone")
        parser.add_argument("--faults", help='faults from the start: {"erp": {"latency_ms": 50}}')

    def handle(self, *_args: Any, **options: Any) -> None:
        names = (options["only"],) if options["only"] else NAMES
        plan = self._plan(options)
        for name in names:
            self.stdout.write(f"{name:5} {plan.address(name)}  ledger {plan.data / name}")
        self.stdout.write(f"hub   {plan.hub}  {plan.rate:g} orders a minute")
        self.stdout.flush()
        asyncio.run(serve(plan, names))

    def _plan(self, options: dict[str, Any]) -> Plan:
        plan = plan_from_environment()
        try:
            faults = read_faults(options["faults"]) if options["faults"] else plan.faults
        except (SettingError, ValueError, AttributeError) as error:
            raise CommandError(f"--faults: {error}") from error
        return replace(
            plan,
            data=options["data"],
            hub=options["hub"].rstrip("/"),
            rate=options["rate"],
            ports={name: options[f"{name}_port"] for name in NAMES},
            faults=faults,
        )
