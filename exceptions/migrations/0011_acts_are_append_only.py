"""What people and the clock did is never rewritten, and is read by time and by person."""

from django.db import migrations, models

from retailhub.kernel.append_only import append_only, append_only_but_erasable

ACTS = "the audit only grows: correct what was done by doing something else"
HISTORY = "the history of a configuration only grows: change the configuration itself"
HISTORIES = ["absence", "calendar", "expectationtemplate", "ownershiprule", "slapolicy", "team"]


class Migration(migrations.Migration):

    dependencies = [
        ('exceptions', '0010_acts_are_taken_back_by_acts'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='caseevent',
            name='undone_at',
        ),
        migrations.AddConstraint(
            model_name='caseevent',
            constraint=models.CheckConstraint(condition=models.Q(('takes_back', None), ('verb', 'undo'), _connector='OR'), name='exceptions_event_only_undo_takes_back'),
        ),
        migrations.AddIndex(
            model_name='caseevent',
            index=models.Index(fields=['-at', '-id'], name='exceptions_event_by_time'),
        ),
        migrations.AddIndex(
            model_name='caseevent',
            index=models.Index(condition=models.Q(('actor__isnull', False)), fields=['actor', '-at', '-id'], name='exceptions_event_by_actor'),
        ),
        migrations.AddIndex(
            model_name='runevent',
            index=models.Index(fields=['-at', '-id'], name='exceptions_runevent_by_time'),
        ),
        append_only_but_erasable(
            "exceptions_caseevent", ACTS, column="text", erasures="exceptions_erasure"
        ),
        append_only("exceptions_erasure", ACTS),
        append_only("exceptions_runevent", ACTS),
        append_only("exceptions_assignment", ACTS),
        append_only("exceptions_ruleset", "a version that routed stays: apply a newer one"),
        *(append_only(f"exceptions_historical{name}", HISTORY) for name in HISTORIES),
    ]
