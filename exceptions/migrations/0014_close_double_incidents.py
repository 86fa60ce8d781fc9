"""A connection that fell in two workers at once had two cases: the older one stands for both."""

from django.db import migrations

CLOSE = """
UPDATE exceptions_exceptioncase c
SET state = 'RESOLVED', closed_at = now(), resolution = 'duplicate',
    paused_at = NULL, pause_reason = ''
FROM exceptions_exceptioncase first
WHERE c.connection_id = first.connection_id AND first.id < c.id
  AND c.code IN ('connectors.connection_down', 'connectors.credentials_rejected')
  AND first.code IN ('connectors.connection_down', 'connectors.credentials_rejected')
  AND c.state IN ('NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED')
  AND first.state IN ('NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED')
  AND c.inbound_id IS NULL AND c.outbound_id IS NULL
  AND first.inbound_id IS NULL AND first.outbound_id IS NULL
"""


class Migration(migrations.Migration):

    dependencies = [("exceptions", "0013_who_has_a_case_open")]

    operations = [migrations.RunSQL(CLOSE, migrations.RunSQL.noop)]
