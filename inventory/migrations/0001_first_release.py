"""Items, places, the stock ledger, promises, channels and what they were told."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import simple_history.models
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

from retailhub.kernel.append_only import append_only

LEDGER = "the stock ledger is append-only: correct a movement by another movement"
HISTORY = "the history of a configuration only grows: change the configuration itself"


class Migration(migrations.Migration):

    initial = True
    # An installation that has all of these has this.
    replaces = [
        ("inventory", "0001_initial"),
        ("inventory", "0002_find_codes_by_likeness"),
        ("inventory", "0003_ledger_rules_and_offers"),
        ("inventory", "0004_find_items_promises_and_drift"),
        ("inventory", "0005_ledger_is_append_only"),
        ("inventory", "0006_find_what_moved_since"),
        ("inventory", "0007_tell_channels_and_remember_what_they_show"),
        ("inventory", "0008_first_answers_to_reservations"),
        ("inventory", "0009_snapshots"),
        ("inventory", "0010_what_counts_while_a_node_is_silent"),
        ("inventory", "0011_drop_indexes_that_others_cover"),
        ("inventory", "0012_neither_ledger_nor_history_is_emptied"),
    ]

    dependencies = [
        ('auth', '__first__'),
    ]

    operations = [
        TrigramExtension(),  # candidates for an unknown code are found by likeness
        migrations.CreateModel(
            name='HistoricalChannel',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('code', models.SlugField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('publish_mode', models.CharField(choices=[('OFF', 'Never'), ('CHANGE', 'On every change'), ('THRESHOLD', 'When it matters (threshold)'), ('FULL', 'By full runs only')], db_default='OFF', default='OFF', max_length=10, verbose_name='tell it')),
                ('publish_by_node', models.BooleanField(db_default=False, default=False, help_text='It hears a number for each node (Shopify), not one number in all (Amazon).', verbose_name='node by node')),
                ('publish_threshold', models.PositiveIntegerField(db_default=10, default=10, help_text='Units. At or below it every change is told; only for “when it matters”.', verbose_name='threshold')),
                ('publish_step', models.PositiveIntegerField(db_default=0, default=0, help_text='Above the threshold, a change of so many units is told. 0: not by units.', verbose_name='step')),
                ('publish_percent', models.PositiveSmallIntegerField(db_default=20, default=20, help_text='Above the threshold, a change by so many percent is told. 0: not by percent.', verbose_name='percent')),
                ('publish_wait_seconds', models.PositiveIntegerField(db_default=900, default=900, help_text='Seconds after which even a small change is told.', verbose_name='longest wait')),
                ('full_run_minutes', models.PositiveIntegerField(db_default=0, default=0, help_text='Minutes between runs that tell every number, changed or not. 0: none.', verbose_name='full run every')),
                ('slo_seconds', models.PositiveIntegerField(db_default=300, default=300, help_text='Seconds from a change of stock until the channel has it. 0: no promise.', verbose_name='must know within')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical channel',
                'verbose_name_plural': 'historical channels',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('sku', models.CharField(max_length=80, unique=True)),
                ('name', models.CharField(blank=True, max_length=255)),
                ('category', models.CharField(blank=True, help_text='Availability rules may name it.', max_length=80)),
                ('unit', models.CharField(db_default='each', default='each', help_text='The unit we count in. All our quantities are whole units of it.', max_length=20)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('sku'), name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), name='inventory_item_by_part_of_name')],
            },
        ),
        migrations.CreateModel(
            name='Location',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('code', models.CharField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('priority', models.PositiveSmallIntegerField(default=100, help_text='Lower ships first.')),
                ('is_active', models.BooleanField(default=True, help_text='Off: nothing new is placed here.')),
                ('silent_since', models.DateTimeField(blank=True, editable=False, null=True)),
                ('fallback', models.CharField(choices=[('HOLD', 'Hold'), ('SHARE', 'Share'), ('STOP', 'Stop')], db_default='HOLD', default='HOLD', editable=False, max_length=5)),
                ('fallback_percent', models.PositiveSmallIntegerField(db_default=100, default=100, editable=False)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='inventory_location_code_is_never_empty'), models.CheckConstraint(condition=models.Q(('fallback_percent__lte', 100)), name='inventory_location_fallback_is_at_most_everything')],
            },
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('code', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('publish_mode', models.CharField(choices=[('OFF', 'Never'), ('CHANGE', 'On every change'), ('THRESHOLD', 'When it matters (threshold)'), ('FULL', 'By full runs only')], db_default='OFF', default='OFF', max_length=10, verbose_name='tell it')),
                ('publish_by_node', models.BooleanField(db_default=False, default=False, help_text='It hears a number for each node (Shopify), not one number in all (Amazon).', verbose_name='node by node')),
                ('publish_threshold', models.PositiveIntegerField(db_default=10, default=10, help_text='Units. At or below it every change is told; only for “when it matters”.', verbose_name='threshold')),
                ('publish_step', models.PositiveIntegerField(db_default=0, default=0, help_text='Above the threshold, a change of so many units is told. 0: not by units.', verbose_name='step')),
                ('publish_percent', models.PositiveSmallIntegerField(db_default=20, default=20, help_text='Above the threshold, a change by so many percent is told. 0: not by percent.', verbose_name='percent')),
                ('publish_wait_seconds', models.PositiveIntegerField(db_default=900, default=900, help_text='Seconds after which even a small change is told.', verbose_name='longest wait')),
                ('full_run_minutes', models.PositiveIntegerField(db_default=0, default=0, help_text='Minutes between runs that tell every number, changed or not. 0: none.', verbose_name='full run every')),
                ('full_run_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('slo_seconds', models.PositiveIntegerField(db_default=300, default=300, help_text='Seconds from a change of stock until the channel has it. 0: no promise.', verbose_name='must know within')),
                ('locations', models.ManyToManyField(blank=True, help_text='The nodes whose stock it may sell. Empty: every active one.', related_name='channels', to='inventory.location')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='HistoricalAvailabilityRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('knob', models.CharField(choices=[('SAFETY_STOCK', 'Safety stock'), ('HORIZON', 'In-transit horizon (hours)'), ('BUFFER', 'Channel buffer'), ('SHARE', 'Share (percent)'), ('END_WHEN', 'End when'), ('MAX_LISTED', 'Max listed')], max_length=16)),
                ('value', models.PositiveIntegerField(help_text='Units; for a share, percent; for the horizon, hours.')),
                ('category', models.CharField(blank=True, max_length=80)),
                ('note', models.CharField(blank=True, help_text='Why: shown in explanations.', max_length=200)),
                ('is_active', models.BooleanField(default=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('channel', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.channel')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.item')),
                ('location', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.location')),
            ],
            options={
                'verbose_name': 'historical availability rule',
                'verbose_name_plural': 'historical availability rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('nodes', models.JSONField(db_default={}, default=dict)),
                ('explanation', models.JSONField()),
                ('reason', models.CharField(choices=[('CHANGE', 'Stock changed'), ('THRESHOLD', 'Crossed a threshold'), ('FULL', 'Full run'), ('PUSH', 'Pushed again by a person'), ('DRIFT', 'The channel showed another number'), ('FALLBACK', 'A source is silent')], max_length=10)),
                ('state', models.CharField(choices=[('OWED', 'Owed'), ('SENT', 'Sent'), ('SUPERSEDED', 'Superseded'), ('FAILED', 'Failed')], db_default='OWED', default='OWED', max_length=10)),
                ('changed_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('sent_at', models.DateTimeField(null=True)),
                ('observed_at', models.DateTimeField(help_text='First seen on the channel.', null=True)),
                ('error_code', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('error_detail', models.CharField(blank=True, db_default='', default='', max_length=500)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='inventory.channel')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='inventory.item')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', 'item', '-id'], name='inventory_publication_told'), models.Index(condition=models.Q(('sent_at__isnull', False)), fields=['channel', 'sent_at'], name='inventory_publication_sent'), models.Index(condition=models.Q(('state', 'FAILED')), fields=['channel'], name='inventory_publication_failed'), models.Index(condition=models.Q(('state', 'OWED')), fields=['channel', 'changed_at'], name='inventory_publication_owed')],
            },
        ),
        migrations.CreateModel(
            name='ChannelOffer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('published_quantity', models.PositiveIntegerField(help_text='Sent and accepted.', null=True)),
                ('published_nodes', models.JSONField(db_default={}, default=dict)),
                ('published_at', models.DateTimeField(null=True)),
                ('observed_quantity', models.IntegerField(help_text='What the channel showed.', null=True)),
                ('observed_nodes', models.JSONField(db_default={}, default=dict)),
                ('observed_at', models.DateTimeField(null=True)),
                ('paused_at', models.DateTimeField(null=True)),
                ('pause_reason', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('pending_since', models.DateTimeField(null=True)),
                ('forced', models.CharField(blank=True, choices=[('CHANGE', 'Stock changed'), ('THRESHOLD', 'Crossed a threshold'), ('FULL', 'Full run'), ('PUSH', 'Pushed again by a person'), ('DRIFT', 'The channel showed another number'), ('FALLBACK', 'A source is silent')], db_default='', default='', max_length=10)),
                ('refusals', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('drift_since', models.DateTimeField(null=True)),
                ('troubled_since', models.DateTimeField(help_text='A case may be open about it.', null=True)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='inventory.channel')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='inventory.item')),
                ('last', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.publication')),
            ],
            options={
                'indexes': [models.Index(fields=['item'], name='inventory_channeloffer_by_item'), models.Index(condition=models.Q(models.Q(('forced', ''), _negated=True), ('paused_at', None)), fields=['id'], name='inventory_channeloffer_forced'), models.Index(condition=models.Q(('paused_at', None), ('pending_since__isnull', False)), fields=['channel', 'pending_since'], name='inventory_channeloffer_waits'), models.Index(condition=models.Q(('drift_since__isnull', False)), fields=['channel', 'observed_at'], name='inventory_channeloffer_doubt'), models.Index(condition=models.Q(('published_at__isnull', False)), fields=['channel', 'observed_at', 'id'], name='inventory_channeloffer_unseen'), models.Index(condition=models.Q(('observed_at__gte', models.F('published_at')), models.Q(('observed_quantity', models.F('published_quantity')), _negated=True)), fields=['channel', 'item'], name='inventory_channeloffer_drift')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'item'), name='inventory_channeloffer_one_per_channel_and_item')],
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('reference', models.CharField(max_length=120)),
                ('quantity', models.PositiveIntegerField()),
                ('consumed_quantity', models.PositiveIntegerField(db_default=0, default=0)),
                ('state', models.CharField(choices=[('HELD', 'Held'), ('RELEASED', 'Released'), ('EXPIRED', 'Expired'), ('CONSUMED', 'Consumed')], default='HELD', max_length=10)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reservations', to='inventory.item')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reservations', to='inventory.location')),
            ],
            options={
                'indexes': [models.Index(fields=['reference'], name='inventory_reservation_by_ref'), models.Index(condition=models.Q(('state', 'HELD')), fields=['item', 'id'], name='inventory_reservation_held'), models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'HELD')), fields=['expires_at'], name='inventory_reservation_expiring')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'HELD')), fields=('reference', 'item', 'location'), name='inventory_reservation_one_held_per_reference'), models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='inventory_reservation_promises_something'), models.CheckConstraint(condition=models.Q(('consumed_quantity__lte', models.F('quantity'))), name='inventory_reservation_consumes_at_most_the_promise')],
            },
        ),
        migrations.CreateModel(
            name='ReservationAnswer',
            fields=[
                ('pk', models.CompositePrimaryKey('owner', 'name', blank=True, editable=False, primary_key=True, serialize=False)),
                ('owner', models.CharField(max_length=60)),
                ('name', models.CharField(max_length=220)),
                ('fingerprint', models.CharField(max_length=32)),
                ('answer', models.JSONField()),
                ('answered_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['answered_at'], name='inventory_answer_by_moment')],
            },
        ),
        migrations.CreateModel(
            name='SnapshotMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=60)),
                ('counted_at', models.DateTimeField()),
                ('is_all_but', models.BooleanField(help_text='All items were counted but those named.')),
                ('item_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('location', 'source'), name='inventory_snapshotmark_one_per_source')],
            },
        ),
        migrations.CreateModel(
            name='SnapshotRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('source', models.CharField(help_text='The connection it came from.', max_length=60)),
                ('key', models.CharField(max_length=200)),
                ('body_sha256', models.BinaryField(max_length=32)),
                ('size', models.PositiveBigIntegerField(help_text='Bytes as they came.')),
                ('counted_at', models.DateTimeField(help_text="Of rows that don't say when.")),
                ('state', models.CharField(choices=[('READY', 'Waiting'), ('RUNNING', 'Running'), ('APPLIED', 'Applied'), ('HELD', 'Held: far smaller than the one before'), ('FAILED', 'Failed')], db_default='READY', default='READY', max_length=8)),
                ('is_forced', models.BooleanField(db_default=False, default=False, help_text='Apply it though it shrank.')),
                ('attempt', models.PositiveIntegerField(db_default=0, default=0)),
                ('broken_off', models.PositiveIntegerField(db_default=0, default=0, help_text='How often a worker vanished with it.')),
                ('rows', models.PositiveIntegerField(db_default=0, default=0)),
                ('added', models.PositiveIntegerField(db_default=0, default=0)),
                ('changed', models.PositiveIntegerField(db_default=0, default=0)),
                ('unchanged', models.PositiveIntegerField(db_default=0, default=0)),
                ('outdated', models.PositiveIntegerField(db_default=0, default=0, help_text='A newer count was known.')),
                ('unknown', models.PositiveIntegerField(db_default=0, default=0)),
                ('rejected', models.PositiveIntegerField(db_default=0, default=0)),
                ('units', models.BigIntegerField(db_default=0, default=0)),
                ('unknown_codes', models.JSONField(db_default={}, default=dict)),
                ('samples', models.JSONField(db_default=[], default=list)),
                ('error', models.TextField(blank=True, db_default='', default='')),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('previous', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='inventory.snapshotrun')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['READY', 'RUNNING'])), fields=['id'], name='inventory_snapshot_due'), models.Index(fields=['source', '-id'], name='inventory_snapshot_by_source')],
                'constraints': [models.UniqueConstraint(fields=('source', 'key'), name='inventory_snapshotrun_heard_once')],
            },
        ),
        migrations.CreateModel(
            name='SnapshotPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('body', models.BinaryField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='inventory.snapshotrun')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('run', 'number'), name='inventory_snapshotpart_one_per_number')],
            },
        ),
        migrations.CreateModel(
            name='StockLevel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('on_hand', models.IntegerField(db_default=0, default=0)),
                ('reserved', models.IntegerField(db_default=0, default=0)),
                ('allocated', models.IntegerField(db_default=0, default=0)),
                ('counted_at', models.DateTimeField(blank=True, null=True)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='inventory.item')),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='inventory.location')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'location'), name='inventory_stocklevel_one_per_item_and_location'), models.CheckConstraint(condition=models.Q(('reserved__gte', 0)), name='inventory_stocklevel_reserved_never_negative'), models.CheckConstraint(condition=models.Q(('allocated__gte', 0)), name='inventory_stocklevel_allocated_never_negative')],
            },
        ),
        migrations.CreateModel(
            name='StockMovement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('COUNTED', 'Counted'), ('ADJUSTED', 'Adjusted'), ('RECEIVED', 'Received'), ('SENT_ON', 'Sent On'), ('ARRIVED', 'Arrived'), ('RETURNED', 'Returned'), ('SOLD', 'Sold'), ('ALLOCATED', 'Allocated'), ('RESERVED', 'Reserved'), ('RELEASED', 'Released'), ('CONSUMED', 'Consumed')], max_length=16)),
                ('effect_key', models.CharField(max_length=200)),
                ('reason', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('source', models.CharField(blank=True, db_default='', default='', help_text='Who said so.', max_length=60)),
                ('on_hand_change', models.IntegerField(db_default=0, default=0)),
                ('reserved_change', models.IntegerField(db_default=0, default=0)),
                ('allocated_change', models.IntegerField(db_default=0, default=0)),
                ('on_hand_after', models.IntegerField()),
                ('reserved_after', models.IntegerField()),
                ('allocated_after', models.IntegerField(db_default=0, default=0)),
                ('trace_id', models.UUIDField(blank=True, null=True)),
                ('happened_at', models.DateTimeField()),
                ('heard_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('level', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='inventory.stocklevel')),
            ],
            options={
                'indexes': [models.Index(fields=['level', 'id'], name='inventory_movement_by_level'), django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['heard_at'], name='inventory_movement_by_hearing', pages_per_range=16), models.Index(condition=models.Q(models.Q(('kind', 'COUNTED'), _negated=True), models.Q(('on_hand_change', 0), _negated=True)), fields=['level', 'happened_at'], name='inventory_movement_since'), django.contrib.postgres.indexes.BrinIndex(fields=['happened_at'], name='inventory_movement_by_moment')],
                'constraints': [models.UniqueConstraint(fields=('effect_key',), name='inventory_stockmovement_happened_once')],
            },
        ),
        migrations.CreateModel(
            name='StockSignal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.item')),
            ],
        ),
        migrations.CreateModel(
            name='ItemUnit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.CharField(help_text='e.g. case, pallet, dozen', max_length=20)),
                ('factor', models.PositiveIntegerField(help_text="How many of the item's own units it holds.")),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='units', to='inventory.item')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'unit'), name='inventory_itemunit_one_factor_per_unit'), models.CheckConstraint(condition=models.Q(('factor__gt', 0)), name='inventory_itemunit_holds_something')],
            },
        ),
        migrations.CreateModel(
            name='InTransit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('reference', models.CharField(max_length=120)),
                ('quantity', models.PositiveIntegerField()),
                ('received_quantity', models.PositiveIntegerField(db_default=0, default=0)),
                ('expected_at', models.DateTimeField()),
                ('source', models.CharField(blank=True, db_default='', default='', max_length=60)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_transit', to='inventory.item')),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_transit', to='inventory.location')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('received_quantity__lt', models.F('quantity'))), fields=['item', 'location', 'expected_at'], name='inventory_intransit_on_its_way')],
                'constraints': [models.UniqueConstraint(fields=('reference', 'item', 'location'), name='inventory_intransit_known_once')],
            },
        ),
        migrations.CreateModel(
            name='AvailabilityRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('knob', models.CharField(choices=[('SAFETY_STOCK', 'Safety stock'), ('HORIZON', 'In-transit horizon (hours)'), ('BUFFER', 'Channel buffer'), ('SHARE', 'Share (percent)'), ('END_WHEN', 'End when'), ('MAX_LISTED', 'Max listed')], max_length=16)),
                ('value', models.PositiveIntegerField(help_text='Units; for a share, percent; for the horizon, hours.')),
                ('category', models.CharField(blank=True, max_length=80)),
                ('note', models.CharField(blank=True, help_text='Why: shown in explanations.', max_length=200)),
                ('is_active', models.BooleanField(default=True)),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.channel')),
                ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.item')),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.location')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('knob', 'SHARE'), ('value__gt', 100), _negated=True), name='inventory_availabilityrule_a_share_is_at_most_everything'), models.CheckConstraint(condition=models.Q(('item', None), ('category', ''), _connector='OR'), name='inventory_availabilityrule_names_an_item_or_a_category'), models.CheckConstraint(condition=models.Q(('location', None), ('knob__in', ['SAFETY_STOCK', 'HORIZON']), _connector='OR'), name='inventory_availabilityrule_a_channel_knob_has_no_node')],
            },
        ),
        append_only("inventory_stockmovement", LEDGER),
        append_only("inventory_historicalavailabilityrule", HISTORY),
        append_only("inventory_historicalchannel", HISTORY),
    ]
