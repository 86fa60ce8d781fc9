"""A row of a mapping table was saved: numbers that could not be named on that channel go again."""

from __future__ import annotations

from connectors.models import Connection
from connectors.systems.base import MappingMissing
from inventory.models import Publication
from inventory.services.tell_again import tell_again


def free_untold(*, connection_id: int) -> int:
    """Have every number that a missing row kept from the channel told. Returns how many."""
    channel_id = Connection.objects.values_list("channel_id", flat=True).get(pk=connection_id)
    if channel_id is None:
        return 0
    untold = Publication.objects.filter(
        channel_id=channel_id, state=Publication.State.FAILED, error_code=MappingMissing.code
    )
    ids = list(untold.values_list("pk", flat=True))
    return tell_again(reason=Publication.Reason.PUSH, channel_id=channel_id, publication_ids=ids)
