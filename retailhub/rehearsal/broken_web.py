"""The web process with a bug planted: `uvicorn retailhub.rehearsal.broken_web:application`."""

from retailhub.asgi import application
from retailhub.rehearsal.sabotage import plant_from_environment

plant_from_environment()

__all__ = ["application"]
