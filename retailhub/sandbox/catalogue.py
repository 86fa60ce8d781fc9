"""What the demo shop sells, where it lies, and how much of it there is on the first day."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class CatalogueItem:
    """One sellable variant.

    `code` is what ERP and warehouse call it; `is_mapped` says whether the hub was told. `shelf` is
    how many units the first place holds on the first day. Of what is scarce, little comes in.
    """

    number: int
    sku: str
    title: str
    cents: int
    grams: int
    shelf: int
    code: str
    is_mapped: bool = True
    is_scarce: bool = False

    @property
    def product_id(self) -> int:
        return 8_310_000_000_000 + self.number * 97

    @property
    def variant_id(self) -> int:
        return 45_120_000_000_000 + self.number * 131

    @property
    def inventory_item_id(self) -> int:
        return 47_220_000_000_000 + self.number * 113

    @property
    def erp_id(self) -> str:
        return str(2_000 + self.number)


@dataclass(frozen=True)
class Place:
    """A warehouse, as every system calls it."""

    code: str
    name: str
    shop_location_id: int
    erp_location_id: str
    priority: int
    line1: str
    postal_code: str
    city: str
    country_code: str = "DE"


PLACES: Final = (
    Place("BERLIN", "WMS Berlin", 71_204_500_311, "11", 1, "Lagerstrasse 14", "12099", "Berlin"),
    Place("HAMBURG", "WMS Hamburg", 71_204_500_459, "12", 2, "Speicherweg 3", "20457", "Hamburg"),
)
PLACE: Final = {place.code: place for place in PLACES}

# sku, title, price in cents including tax, weight in grams, units in Berlin on the first day
_ROWS: Final = (
    ("MUG-BLUE", "Stoneware mug, blue", 1490, 380, 240),
    ("MUG-WHITE", "Stoneware mug, white", 1490, 380, 310),
    ("MUG-GREEN", "Stoneware mug, green", 1490, 380, 185),
    ("PLATE-22", "Dinner plate 22 cm", 1890, 620, 260),
    ("PLATE-27", "Dinner plate 27 cm", 2290, 810, 220),
    ("BOWL-15", "Cereal bowl 15 cm", 1590, 430, 275),
    ("TEAPOT-1L", "Teapot 1 l", 4990, 940, 64),
    ("CARAFE-GLASS", "Glass carafe", 3450, 700, 92),
    ("GLASS-SET-4", "Tumblers, set of 4", 2990, 1150, 130),
    ("KNIFE-CHEF", "Chef's knife 20 cm", 7900, 260, 78),
    ("BOARD-OAK", "Oak cutting board", 3990, 1600, 84),
    ("PAN-28", "Iron frying pan 28 cm", 8900, 2300, 56),
    ("POT-5L", "Casserole 5 l", 11900, 3900, 3),
    ("APRON-LINEN", "Linen apron", 3490, 310, 118),
    ("TOWEL-SET-3", "Tea towels, set of 3", 1990, 240, 205),
    ("CUSHION-45", "Wool cushion 45 x 45", 4590, 650, 112),
    ("CUSHION-60", "Wool cushion 60 x 40", 5290, 780, 88),
    ("BLANKET-WOOL", "Lambswool blanket", 12900, 1400, 47),
    ("RUG-80X150", "Cotton rug 80 x 150", 8900, 2600, 52),
    ("CURTAIN-LINEN", "Linen curtain 140 x 250", 6990, 1200, 74),
    ("VASE-TALL", "Tall vase", 4290, 1300, 66),
    ("VASE-SMALL", "Bud vase", 1690, 290, 140),
    ("CANDLE-CEDAR", "Scented candle, cedar", 2490, 420, 230),
    ("CANDLE-FIG", "Scented candle, fig", 2490, 420, 195),
    ("LAMP-TABLE", "Table lamp", 8990, 1800, 58),
    ("LAMP-FLOOR", "Floor lamp", 19900, 6200, 2),
    ("BULB-E27", "LED bulb E27, warm", 990, 70, 420),
    ("SHELF-OAK-80", "Oak wall shelf 80 cm", 5900, 2900, 61),
    ("STOOL-BEECH", "Beech stool", 9900, 3600, 45),
    ("CHAIR-DINING", "Dining chair", 18900, 6400, 4),
    ("BASKET-SEAGRASS", "Seagrass basket", 3290, 900, 96),
    ("MIRROR-ROUND", "Round mirror 60 cm", 9990, 4100, 2),
    ("CLOCK-WALL", "Wall clock", 5490, 750, 72),
    ("FRAME-A3", "Picture frame A3", 2790, 980, 134),
    ("POSTER-COAST", "Art print, coast", 2450, 120, 160),
    ("NOTEBOOK-A5", "Notebook A5", 1250, 260, 350),
    ("PEN-BRASS", "Brass pen", 3900, 60, 105),
    ("BAG-CANVAS", "Canvas bag", 2190, 340, 170),
)
# The shop renamed these; nobody told the hub. Their code elsewhere comes last.
_UNMAPPED_ROWS: Final = (
    ("MUG-XMAS-26", "Stoneware mug, winter edition", 1790, 380, 260, "MUG-WINTER"),
    ("CANDLE-PINE-26", "Scented candle, pine", 2690, 420, 180, "CANDLE-PINE"),
    ("LAMP-TABLE-V2", "Table lamp, dimmable", 9490, 1850, 55, "LAMP-TABLE-DIM"),
)
_SCARCE: Final = frozenset({"LAMP-FLOOR", "POT-5L", "MIRROR-ROUND", "CHAIR-DINING"})

ITEMS: Final = tuple(
    [
        CatalogueItem(number, sku, title, cents, grams, shelf, sku, is_scarce=sku in _SCARCE)
        for number, (sku, title, cents, grams, shelf) in enumerate(_ROWS, start=1)
    ]
    + [
        CatalogueItem(number, sku, title, cents, grams, shelf, code, is_mapped=False)
        for number, (sku, title, cents, grams, shelf, code) in enumerate(
            _UNMAPPED_ROWS, start=len(_ROWS) + 1
        )
    ]
)
ITEM: Final = {item.sku: item for item in ITEMS}
ITEM_BY_CODE: Final = {item.code: item for item in ITEMS}

# What an ERP books besides goods, by internal id. Its names are the hub's own codes.
SERVICE_ITEMS: Final = {
    str(number): code
    for number, code in enumerate(
        ("TIP", "DUTIES", "DIFFERENCE", "GIFT-CARD", "SERVICE", "CUSTOM"), start=2_901
    )
}

_SHARE: Final = {"BERLIN": 1.0, "HAMBURG": 0.6}


def opening_stock(item: CatalogueItem, place_code: str) -> int:
    """How many of an item a place holds on the first day."""
    return round(item.shelf * _SHARE[place_code])
