"""A line of the ledger is never changed and never deleted, by nobody and by no tool."""

from django.db import migrations

GUARD = """
CREATE FUNCTION inventory_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the stock ledger is append-only: correct movement % by another movement', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER inventory_stockmovement_is_append_only
    BEFORE UPDATE OR DELETE ON inventory_stockmovement
    FOR EACH ROW EXECUTE FUNCTION inventory_ledger_is_append_only();
"""
UNGUARD = """
DROP TRIGGER inventory_stockmovement_is_append_only ON inventory_stockmovement;
DROP FUNCTION inventory_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_find_items_promises_and_drift")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
