"""How many each tab holds is counted in an index, whoever asks."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exceptions', '0015_one_incident_per_connection'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='exceptioncase',
            index=models.Index(condition=models.Q(('state__in', ['NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED'])), fields=['state', 'owner', 'connection', 'team', 'parent', 'code'], name='exceptions_case_open_by_state'),
        ),
        migrations.AddIndex(
            model_name='exceptioncase',
            index=models.Index(condition=models.Q(models.Q(('code__startswith', 'expectations.'), ('code', 'connectors.missing'), _connector='OR'), ('state__in', ['NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED'])), fields=['id'], name='exceptions_case_open_silent'),
        ),
    ]
