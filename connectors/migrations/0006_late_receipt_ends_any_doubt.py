"""A receipt that comes late proves that the effect exists, also where it waits or was refused."""

from django.db import migrations

BEFORE = {
    "READY": ["SENDING", "CANCELLED", "SUPERSEDED"],
    "SENDING": ["SENT", "READY", "UNKNOWN", "DEAD", "MANUAL"],
    "UNKNOWN": ["SENDING", "SENT", "READY", "MANUAL"],
    "MANUAL": ["SENT", "READY", "CANCELLED", "UNKNOWN"],
    "DEAD": ["READY", "CANCELLED", "UNKNOWN"],
}
AFTER = {
    **BEFORE,
    "READY": ["SENDING", "SENT", "CANCELLED", "SUPERSEDED"],
    "DEAD": ["READY", "SENT", "CANCELLED", "UNKNOWN"],
}


def guard(table: dict[str, list[str]]) -> str:
    pairs = ", ".join(
        f"'{state}>{after}'" for state, following in table.items() for after in following
    )
    return f"""
CREATE OR REPLACE FUNCTION connectors_outbound_state_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state || '>' || NEW.state) <> ALL (ARRAY[{pairs}]) THEN
        RAISE EXCEPTION 'a state moves by the table: outbound % can''t go from % to %',
            OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("connectors", "0005_find_the_crashed")]

    operations = [migrations.RunSQL(guard(AFTER), guard(BEFORE))]
