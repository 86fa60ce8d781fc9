"""A rule of the sum is made, changed or switched off; everybody who publishes hears of it."""

from __future__ import annotations

from django.db import connection, transaction

from inventory.models import AvailabilityRule

# Only items whose number the rule can have changed: all of them for a rule that names none.
_SIGNAL = """
INSERT INTO inventory_stocksignal (item_id)
SELECT id FROM inventory_item
WHERE is_active AND (%(everywhere)s OR id = ANY(%(items)s) OR category = ANY(%(categories)s))
"""


@transaction.atomic
def keep_rule(rule: AvailabilityRule) -> None:
    """Save `rule`. What it held for before hears of it, too."""
    before = AvailabilityRule.objects.select_for_update().filter(pk=rule.pk).first()
    rule.save()
    held = [row for row in (before, rule) if row is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            _SIGNAL,
            {
                "everywhere": any(row.item_id is None and not row.category for row in held),
                "items": [row.item_id for row in held if row.item_id is not None],
                "categories": [row.category for row in held if row.category],
            },
        )
