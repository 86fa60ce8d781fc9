"""May this connection write the stock of that node? By declaration, else by who serves it."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.errors import NotAuthoritative
from connectors.models import CodeMapping, Connection, SystemOfRecord
from inventory.models import Location

Policy = SystemOfRecord.Policy


class StockAuthority:
    """All declarations, read once for a batch."""

    def __init__(self) -> None:
        rows = SystemOfRecord.objects.filter(domain=SystemOfRecord.Domain.STOCK)
        self._declared = {r.location_id: r for r in rows.select_related("connection")}
        served = CodeMapping.objects.filter(
            connection__role=Connection.Role.WAREHOUSE,
            connection__is_active=True,
            table=CodeMapping.Table.LOCATION,
        )
        self._serving: dict[str, set[int]] = {}
        for code, connection_id in served.values_list("canonical_code", "connection_id"):
            self._serving.setdefault(code, set()).add(connection_id)
        self._codes = dict(Location.objects.values_list("pk", "code"))

    def why_not(self, connection: Connection, location_id: int) -> str:
        """Why what `connection` says of the node is not to be applied; empty when it is.

        Raises `NotAuthoritative` where the declaration wants a person to know.
        """
        row = self._declared.get(location_id) or self._declared.get(None)
        code = self._codes.get(location_id, "")
        if row is None:
            serving = self._serving.get(code, set())
            is_foreign = bool(serving) and connection.pk not in serving
            return f"Not applied: another connection serves {code}." if is_foreign else ""
        if row.connection_id == connection.pk:
            return ""
        told = f"{row.connection} is the system of record for stock at {code}."
        if row.policy == Policy.RAISE:
            raise NotAuthoritative(f"{connection} wrote stock at {code}, but {told}", location=code)
        return f"Not applied: {told}"

    def closed_to(self, connection: Connection) -> Iterable[int]:
        """The nodes whose stock is not for `connection` to tell."""
        for location_id in self._codes:
            try:
                is_closed = bool(self.why_not(connection, location_id))
            except NotAuthoritative:
                is_closed = True
            if is_closed:
                yield location_id
