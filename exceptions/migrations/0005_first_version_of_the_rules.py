"""The rules that routed until now become version 1, and open cases learn their facts.

Nothing moves: each open case counts as decided under the version it would be decided under now.
"""

from django.db import migrations
from django.utils import timezone

OPEN = ["NEW", "CLAIMED", "REPLAYING", "WAITING", "SNOOZED"]
BATCH = 1000


def make_version(apps, schema_editor):
    rules = apps.get_model("exceptions", "OwnershipRule").objects.filter(is_active=True)
    rows = list(rules.select_related("connection", "team").order_by("position", "pk"))
    if rows:
        apps.get_model("exceptions", "RuleSet").objects.create(
            number=1, rules=[_frozen(row) for row in rows], applied_at=timezone.now()
        )
        cases = apps.get_model("exceptions", "ExceptionCase").objects
        cases.filter(state__in=OPEN).update(rules_version=1)


def _frozen(row):
    asked = [f"connection is {row.connection.name}"] if row.connection else []
    asked += [f"code starts with {row.code_prefix}"] if row.code_prefix else []
    rule = {
        "text": f"{row.position}. {' and '.join(asked) or 'anything'} → {row.team.name}",
        "team": row.team_id,
        "connection": row.connection_id,
        "code_prefix": row.code_prefix,
    }
    return {name: value for name, value in rule.items() if value not in (None, "")}


def learn_facts(apps, schema_editor):
    cases = apps.get_model("exceptions", "ExceptionCase").objects
    rows = cases.filter(state__in=OPEN).select_related("connection", "order__customer")
    batch = []
    for case in rows.order_by("pk").iterator(chunk_size=BATCH):
        case.facts = _facts(case)
        batch.append(case)
        if len(batch) == BATCH:
            cases.bulk_update(batch, ["facts"])
            batch.clear()
    cases.bulk_update(batch, ["facts"])


def _facts(case):
    order = case.order
    place = (order.ship_to if order else None) or {}
    facts = {
        "system": case.connection.system if case.connection else "",
        "country": str(place.get("country_code") or "").lower(),
        "region": str(place.get("region") or "").lower(),
        "order_tags": sorted({tag.strip().lower() for tag in (order.tags if order else [])}),
    }
    return {name: value for name, value in facts.items() if value}


def forget(apps, schema_editor):
    apps.get_model("exceptions", "RuleSet").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("exceptions", "0004_ownership_on_business_facts"),
        ("orders", "0005_customer_tags"),
    ]

    operations = [
        migrations.RunPython(make_version, forget),
        migrations.RunPython(learn_facts, migrations.RunPython.noop),
    ]
