"""The database itself refuses a state that does not follow from the one before.

The pairs are `connectors/lifecycle.py` as it stood; a test compares them with it as it stands, so a
change there comes with a migration that says so to the database.
"""

from django.db import migrations

INBOUND = {
    "RECEIVED": ("PROCESSING", "IGNORED"),
    "PROCESSING": ("PROCESSED", "SUPERSEDED", "IGNORED", "DEAD", "WAITING", "PARKED", "RECEIVED"),
    "WAITING": ("PROCESSING", "RECEIVED"),
    "PARKED": ("PROCESSING", "RECEIVED", "SUPERSEDED", "DEAD", "IGNORED"),
    "DEAD": ("RECEIVED", "IGNORED"),
}
OUTBOUND = {
    "READY": ("SENDING", "CANCELLED", "SUPERSEDED"),
    "SENDING": ("SENT", "READY", "UNKNOWN", "DEAD", "MANUAL"),
    "UNKNOWN": ("SENDING", "SENT", "READY", "MANUAL"),
    "MANUAL": ("SENT", "READY", "CANCELLED", "UNKNOWN"),
    "DEAD": ("READY", "CANCELLED", "UNKNOWN"),
}
TABLES = {"inbound": INBOUND, "outbound": OUTBOUND}


def guard(name: str, following: dict[str, tuple[str, ...]]) -> str:
    """SQL of the trigger on one table: free while the state stays, an error for an unknown move."""
    pairs = ", ".join(
        f"'{state}>{after}'" for state, states in following.items() for after in states
    )
    return f"""
CREATE FUNCTION connectors_{name}_state_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state || '>' || NEW.state) <> ALL (ARRAY[{pairs}]) THEN
        RAISE EXCEPTION 'a state moves by the table: {name} % can''t go from % to %',
            OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER connectors_{name}_moves_by_the_table
    BEFORE UPDATE OF state ON connectors_{name}message
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION connectors_{name}_state_moves();
"""


def unguard(name: str) -> str:
    return f"""
DROP TRIGGER connectors_{name}_moves_by_the_table ON connectors_{name}message;
DROP FUNCTION connectors_{name}_state_moves();
"""


class Migration(migrations.Migration):
    dependencies = [("connectors", "0002_mapping_reads_one_way_or_both")]

    operations = [
        migrations.RunSQL(guard(name, following), unguard(name))
        for name, following in TABLES.items()
    ]
