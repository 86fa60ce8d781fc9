"""manage.py check_stock: is every level what its movements say?"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.services.check import check_stock


class Command(BaseCommand):
    help = "Prove every level by the ledger. Names what differs and exits with 1 if anything does."

    def handle(self, *_args: Any, **_options: Any) -> None:
        begun = time.monotonic()
        proof = check_stock()
        seconds = time.monotonic() - begun
        self.stdout.write(
            f"{proof.levels} levels, {proof.movements} movements, {proof.differing} differ"
            f" ({seconds:.1f} s)"
        )
        for difference in proof.differences:
            self.stdout.write(str(difference))
        if proof.differing > len(proof.differences):
            self.stdout.write(f"… and {proof.differing - len(proof.differences)} more")
        if proof.differing:
            raise CommandError("The levels named above are not what their movements say.")
