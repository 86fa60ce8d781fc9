"""The composition root as a Django application."""

from importlib import import_module

from django.apps import AppConfig


class RetailhubConfig(AppConfig):
    name = "retailhub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Know the broker, join facts to those who listen, let workers look by themselves."""
        # Models must be loaded before anything that uses them.
        import_module("retailhub.celery")
        import_module("retailhub.wiring").install()
        import_module("retailhub.watcher").install()
        import_module("retailhub.passwords").install()
