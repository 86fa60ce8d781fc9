"""What waits was shown as paused: now its clock does stand, with the time it has left today."""

from django.db import migrations

STAND = """
UPDATE exceptions_exceptioncase
SET paused_at = now(), pause_reason = 'WAITING', waits_for = 'CUSTOMER'
WHERE state = 'WAITING'
"""


class Migration(migrations.Migration):

    dependencies = [("exceptions", "0006_clocks_that_can_stand")]

    operations = [migrations.RunSQL(STAND, migrations.RunSQL.noop)]
