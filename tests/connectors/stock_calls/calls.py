"""How numbers and calls stand."""

from __future__ import annotations

from connectors.models import OutboundMessage
from inventory.models import Publication


def states() -> list[tuple[int, str]]:
    return list(Publication.objects.order_by("pk").values_list("quantity", "state"))


def calls(*states: str) -> int:
    return OutboundMessage.objects.filter(state__in=states).count()
