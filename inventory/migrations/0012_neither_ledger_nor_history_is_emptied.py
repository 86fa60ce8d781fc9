"""The ledger can't be emptied at one go either, and who changed a rule or a channel stays."""

from importlib import import_module

from django.db import migrations

from retailhub.kernel.append_only import append_only

LEDGER = "the stock ledger is append-only: correct a movement by another movement"
HISTORY = "the history of a configuration only grows: change the configuration itself"

first_guard = import_module("inventory.migrations.0005_ledger_is_append_only")


class Migration(migrations.Migration):

    dependencies = [("inventory", "0011_drop_indexes_that_others_cover")]

    operations = [
        migrations.RunSQL(first_guard.UNGUARD, first_guard.GUARD),
        append_only("inventory_stockmovement", LEDGER),
        append_only("inventory_historicalavailabilityrule", HISTORY),
        append_only("inventory_historicalchannel", HISTORY),
    ]
