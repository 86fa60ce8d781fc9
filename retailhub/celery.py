"""The workers: Celery carries doorbells, the rows carry the work."""

from __future__ import annotations

import gc
import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")

app = Celery("retailhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def spare_the_collector(**_: object) -> None:
    """Let the collector look only at what a worker makes, and not after every order.

    What was imported stays as long as the process; looking through it again and again took a fifth
    of a batch's time. Frozen, it is also shared with the other workers for longer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
