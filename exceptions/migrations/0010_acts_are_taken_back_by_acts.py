"""An act that was taken back is not marked any more: the act that took it back points at it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

POINT = """
UPDATE exceptions_caseevent undo SET takes_back_id = act.id
FROM exceptions_caseevent act
WHERE act.undone_at IS NOT NULL AND undo.verb = 'undo' AND undo.case_id = act.case_id
  AND undo.at = act.undone_at AND undo.text = 'Took back: ' || act.verb
"""
MARK = """
UPDATE exceptions_caseevent act SET undone_at = undo.at
FROM exceptions_caseevent undo WHERE undo.takes_back_id = act.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('exceptions', '0009_weigh_what_is_open'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField()),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='erasure', to='exceptions.caseevent')),
            ],
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='exceptions_erasure_has_a_reason'),
        ),
        migrations.AlterField(
            model_name='runevent',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='exceptions.replayrun'),
        ),
        migrations.AddField(
            model_name='caseevent',
            name='takes_back',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_back_by', to='exceptions.caseevent'),
        ),
        migrations.RunSQL(POINT, MARK),
    ]
