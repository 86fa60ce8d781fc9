"""How many of our units is that? By the item's own factors, or an error naming what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from inventory.errors import NotWhole, UnitUnknown

# What a level can hold with room to add.
MOST = 1_000_000_000


@dataclass(frozen=True)
class UnitBook:
    """The unit an item is counted in, and what others are in it; spelled in lower case."""

    sku: str
    own: str
    factors: Mapping[str, int] = field(default_factory=dict)

    def knows(self, unit: str) -> bool:
        """True for the item's own unit and those it has a factor for."""
        spelled = unit.strip().casefold()
        return spelled in {"", self.own.casefold()} or spelled in self.factors

    def own_units(self, quantity: Decimal | int, unit: str = "") -> int:
        """`quantity` of `unit` (empty: the item's own) in whole units of ours.

        Raises `UnitUnknown` or `NotWhole`.
        """
        spelled = unit.strip().casefold()
        factor = 1 if spelled in {"", self.own.casefold()} else self.factors.get(spelled)
        if factor is None:
            raise UnitUnknown(
                f"{self.sku} is not counted in “{unit}”."
                f" Add to the item how many {self.own} that is.",
                sku=self.sku,
                unit=unit,
            )
        units = Decimal(quantity) * factor
        if units != units.to_integral_value() or abs(units) > MOST:
            raise NotWhole(
                f"{quantity} {unit or self.own} of {self.sku} is not a whole number of {self.own}"
                f" up to {MOST}.",
                sku=self.sku,
            )
        return int(units)
