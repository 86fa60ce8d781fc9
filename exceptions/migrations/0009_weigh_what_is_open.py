"""What is open already is weighed by the clock as soon as it runs."""

from django.db import migrations

DUE = """
UPDATE exceptions_exceptioncase SET harm_until = now()
WHERE state IN ('NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED')
"""


class Migration(migrations.Migration):

    dependencies = [("exceptions", "0008_ranked_by_harm")]

    operations = [migrations.RunSQL(DUE, migrations.RunSQL.noop)]
