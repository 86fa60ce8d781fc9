"""The workers with a bug planted: `celery -A retailhub.rehearsal.broken_worker`."""

from importlib import import_module

import django

from retailhub.celery import app

django.setup()
# What it plants in can be imported only now.
import_module("retailhub.rehearsal.sabotage").plant_from_environment()

__all__ = ["app"]
