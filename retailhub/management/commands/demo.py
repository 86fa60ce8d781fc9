"""manage.py demo: connect the sandbox and make people to sign in as."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from retailhub.demo import PEOPLE, seed_demo


class Command(BaseCommand):
    help = "Make the demo estate: connections to the sandbox, items, stock, teams and people."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError(
                "The demo has people with known passwords. It is not for production."
            )
        seed_demo(now=timezone.now())
        for person in PEOPLE:
            self.stdout.write(
                f"{person.username:6} {person.password:15} {person.name:11} {person.does}"
            )
