"""Jobs, live hints, preferences and mail."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    # An installation that has all of these has this.
    replaces = [
        ("retailhub", "0001_initial"),
        ("retailhub", "0002_how_people_like_their_pages"),
        ("retailhub", "0003_what_people_are_told_by_mail"),
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('auth', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobRun',
            fields=[
                ('pk', models.CompositePrimaryKey('job', 'due_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job', models.CharField(max_length=60)),
                ('due_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('error', models.CharField(db_default='', default='', max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='LiveEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=80)),
                ('entity', models.CharField(max_length=60)),
                ('version', models.BigIntegerField(default=0)),
                ('verb', models.CharField(default='upd', max_length=8)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'indexes': [models.Index(fields=['topic', 'id'], name='retailhub_live_by_topic')],
            },
        ),
        migrations.CreateModel(
            name='Preferences',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ('time_zone', models.CharField(blank=True, help_text='Empty: that of the house.', max_length=60)),
                ('theme', models.CharField(blank=True, choices=[('', 'As this device'), ('light', 'Light'), ('dark', 'Dark')], max_length=5)),
                ('density', models.CharField(blank=True, choices=[('compact', 'Compact'), ('', 'Normal'), ('comfortable', 'Comfortable')], max_length=11)),
                ('has_keys', models.BooleanField(default=True, help_text='J, K, C, R and the others, outside of fields.', verbose_name='single keys work')),
                ('goes_on', models.BooleanField(help_text='After a replay, a wait, a snooze or a decision. Empty: as the role works.', null=True, verbose_name='open the next exception after an action')),
                ('mails_incidents', models.BooleanField(db_default=False, default=False, help_text='One for each incident of my teams, when it begins.', verbose_name='e-mail me of incidents')),
                ('digest_hour', models.PositiveSmallIntegerField(blank=True, help_text='The hour of my day, in my time zone. Empty: never.', null=True, verbose_name='e-mail me a summary at')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('theme__in', ['', 'light', 'dark']), ('density__in', ['', 'compact', 'comfortable'])), name='retailhub_preferences_are_ones_that_pages_know'), models.CheckConstraint(condition=models.Q(('digest_hour', None), ('digest_hour__lt', 24), _connector='OR'), name='retailhub_preferences_digest_is_at_an_hour')],
            },
        ),
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('INCIDENT', 'An incident'), ('DIGEST', "A day's summary")], max_length=8)),
                ('key', models.CharField(max_length=40)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('READY', 'To be sent'), ('SENT', 'Sent'), ('NOTHING', 'Nothing to say'), ('GIVEN_UP', 'Given up')], default='READY', max_length=8)),
                ('attempts', models.PositiveIntegerField(db_default=0, default=0)),
                ('error', models.CharField(blank=True, db_default='', default='', max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('next_try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('lease_until', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'READY')), fields=['next_try_at', 'id'], name='retailhub_mail_ready')],
                'constraints': [models.UniqueConstraint(fields=('person', 'kind', 'key'), name='retailhub_mail_one_about_each_thing')],
            },
        ),
    ]
