"""Tables that only grow: what is in them is never changed, never deleted and never emptied.

    operations = [append_only("exceptions_runevent", "acts are not rewritten: do another")]

Triggers refuse it to everybody, the owner of the table included: no service, shell, tool or stolen
session gets around them. Other roles lose the right as well, so a product that signs in as a role
of its own can't take the triggers off either. To remove what is too old for any law is the work of
the database's owner, who has to drop the guard first, by a migration that everybody can read.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

_GUARD = """
CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{unless}    RAISE EXCEPTION '{says}' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_only_grows();
CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows();
REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC;
DO $$
DECLARE somebody text;
BEGIN
    FOR somebody IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = '{table}'
          AND grantee <> current_user
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM %I', somebody);
{grant}    END LOOP;
END $$;
"""
_UNLESS = """    IF TG_OP = 'UPDATE' THEN
        IF NEW.{column} = '' AND to_jsonb(NEW) - '{column}' = to_jsonb(OLD) - '{column}'
            AND EXISTS (SELECT FROM {erasures} WHERE event_id = OLD.id)
        THEN
            RETURN NEW;
        END IF;
    END IF;
"""
_GRANT = """        EXECUTE format('GRANT UPDATE ({column}) ON {table} TO %I', somebody);
"""
_UNGUARD = """
DROP TRIGGER {table}_is_never_emptied ON {table};
DROP TRIGGER {table}_only_grows ON {table};
DROP FUNCTION {table}_only_grows();
"""


def append_only(table: str, says: str) -> RunSQL:
    """A guard of `table`. `says` is the error's text: what is refused, and what to do instead."""
    return _operation(table, says, unless="", grant="")


def append_only_but_erasable(table: str, says: str, *, column: str, erasures: str) -> RunSQL:
    """The same, but the words in `column` may become empty once a row of `erasures` says why."""
    unless = _UNLESS.format(column=column, erasures=erasures)
    return _operation(table, says, unless=unless, grant=_GRANT.format(column=column, table=table))


def _operation(table: str, says: str, **more: str) -> RunSQL:
    guard = _GUARD.format(table=table, says=says.replace("'", "''"), **more)
    return RunSQL(guard, _UNGUARD.format(table=table))
