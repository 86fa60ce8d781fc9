"""The Django application."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.db.models.signals import post_migrate


class ExceptionsConfig(AppConfig):
    name = "exceptions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What the code expects is on record as soon as its tables are there."""
        post_migrate.connect(_seed, sender=self)


def _seed(*, apps: Any = registry, **_: Any) -> None:
    """`apps` is the state after migrating: backwards it may be one without our tables."""
    if "exceptions" not in {model._meta.app_label for model in apps.get_models()}:
        return
    import_module("exceptions.services.expectations").seed_templates()
