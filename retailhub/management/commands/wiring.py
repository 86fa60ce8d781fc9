"""manage.py wiring: who reacts to what."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from retailhub.wiring import WIRING


class Command(BaseCommand):
    help = "Print the wiring table, as text or as a Mermaid diagram."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mermaid", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["mermaid"]:
            self.stdout.write("flowchart LR")
        for fact, subscribers in WIRING.items():
            app = fact.__module__.split(".", maxsplit=1)[0]
            for subscriber in subscribers:
                name = f"{subscriber.__module__}.{subscriber.__name__}"
                if options["mermaid"]:
                    self.stdout.write(
                        f"  {app}_{fact.__name__}([{fact.__name__}]) --> {name}[{name}]"
                    )
                else:
                    self.stdout.write(f"{app + '.' + fact.__name__:34} → {name}")
