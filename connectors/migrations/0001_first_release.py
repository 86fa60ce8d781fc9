"""Connections, messages, keys, mappings and what people corrected, with the guards of the database."""

import connectors.lifecycle
import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from retailhub.kernel.append_only import append_only

# The database itself refuses a state that does not follow from the one before. The pairs are
# `connectors/lifecycle.py` as it stood; a test compares them with it as it stands, so a change
# there comes with a migration that says so to the database.
INBOUND = {
    "RECEIVED": ("PROCESSING", "IGNORED"),
    "PROCESSING": ("PROCESSED", "SUPERSEDED", "IGNORED", "DEAD", "WAITING", "PARKED", "RECEIVED"),
    "WAITING": ("PROCESSING", "RECEIVED"),
    "PARKED": ("PROCESSING", "RECEIVED", "SUPERSEDED", "DEAD", "IGNORED"),
    "DEAD": ("RECEIVED", "IGNORED"),
}
OUTBOUND = {
    "READY": ("SENDING", "SENT", "CANCELLED", "SUPERSEDED"),
    "SENDING": ("SENT", "READY", "UNKNOWN", "DEAD", "MANUAL"),
    "UNKNOWN": ("SENDING", "SENT", "READY", "MANUAL"),
    "MANUAL": ("SENT", "READY", "CANCELLED", "UNKNOWN"),
    "DEAD": ("READY", "SENT", "CANCELLED", "UNKNOWN"),
}
HISTORY = "the history of a configuration only grows: change the configuration itself"
HISTORIES = ("apikey", "codemapping", "connection", "correctionrule", "systemofrecord")


def guard(name: str, following: dict[str, tuple[str, ...]]) -> str:
    """SQL of the trigger on one table: free while the state stays, an error for an unknown move."""
    pairs = ", ".join(
        f"'{state}>{after}'" for state, states in following.items() for after in states
    )
    return f"""
CREATE FUNCTION connectors_{name}_state_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state || '>' || NEW.state) <> ALL (ARRAY[{pairs}]) THEN
        RAISE EXCEPTION 'a state moves by the table: {name} % can''t go from % to %',
            OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER connectors_{name}_moves_by_the_table
    BEFORE UPDATE OF state ON connectors_{name}message
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION connectors_{name}_state_moves();
"""


def unguard(name: str) -> str:
    return f"""
DROP TRIGGER connectors_{name}_moves_by_the_table ON connectors_{name}message;
DROP FUNCTION connectors_{name}_state_moves();
"""


class Migration(migrations.Migration):

    initial = True
    # An installation that has all of these has this.
    replaces = [
        ("connectors", "0001_initial"),
        ("connectors", "0002_mapping_reads_one_way_or_both"),
        ("connectors", "0003_states_move_by_the_table"),
        ("connectors", "0004_claim_by_connection"),
        ("connectors", "0005_find_the_crashed"),
        ("connectors", "0006_late_receipt_ends_any_doubt"),
        ("connectors", "0007_cursor_due_and_begun"),
        ("connectors", "0008_what_a_source_never_told"),
        ("connectors", "0009_no_inbound_message_blocks_its_lane"),
        ("connectors", "0010_corrections"),
        ("connectors", "0011_map_units"),
        ("connectors", "0012_what_counts_while_a_node_is_silent"),
        ("connectors", "0013_declare_systems_of_record"),
        ("connectors", "0014_history_is_append_only"),
    ]

    dependencies = [
        ('auth', '__first__'),
        ('inventory', '0001_first_release'),
    ]

    operations = [
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('system', models.CharField(help_text='A name from the registry, e.g. shopify.', max_length=40)),
                ('role', models.CharField(choices=[('SHOP', 'Shop'), ('ERP', 'ERP'), ('WAREHOUSE', 'Warehouse')], max_length=12)),
                ('base_url', models.URLField(blank=True, max_length=300)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('is_active', models.BooleanField(default=True)),
                ('rate_per_second', models.FloatField(default=10, help_text='Calls per second we allow ourselves.')),
                ('burst', models.PositiveIntegerField(default=20, help_text='Calls in a row before the rate bites.')),
                ('concurrency', models.PositiveSmallIntegerField(default=4, help_text='Calls in flight at once.')),
                ('timeout_seconds', models.FloatField(default=20, help_text='Wall clock for one call.')),
                ('settle_seconds', models.FloatField(default=120, help_text='How long a lost call may still be applied on their side. Only after it do we look whether it was.')),
                ('poll_seconds', models.PositiveIntegerField(default=0, help_text="0: this connection isn't polled.")),
                ('silence_minutes', models.PositiveIntegerField(db_default=0, default=0, help_text='Minutes without a word on stock after which a node is silent. 0: not watched.', verbose_name='silent after')),
                ('fallback', models.CharField(choices=[('HOLD', 'its last number'), ('SHARE', 'a share of its last number'), ('STOP', 'nothing of it')], db_default='HOLD', default='HOLD', max_length=5, verbose_name='then offer')),
                ('fallback_percent', models.PositiveSmallIntegerField(db_default=50, default=50, help_text='Of the last number, while it is silent.', verbose_name='share (percent)')),
                ('inbound_paused_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('outbound_paused_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('pause_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('health', models.CharField(choices=[('HEALTHY', 'Healthy'), ('DEGRADED', 'Degraded'), ('DOWN', 'Down'), ('SIGN_IN', 'Needs sign-in')], default='HEALTHY', editable=False, max_length=10)),
                ('health_since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('health_detail', models.CharField(blank=True, editable=False, max_length=500)),
                ('closed_until', models.DateTimeField(blank=True, editable=False, help_text='The circuit breaker is open until then.', null=True)),
                ('breaker_trips', models.PositiveIntegerField(default=0, editable=False)),
                ('tested_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('test_result', models.JSONField(blank=True, editable=False, null=True)),
                ('channel', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='connection', to='inventory.channel')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('fallback_percent__lte', 100)), name='connectors_connection_fallback_is_at_most_everything')],
            },
        ),
        migrations.CreateModel(
            name='CodeMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('table', models.CharField(choices=[('SKU', 'SKU'), ('LOCATION', 'Location'), ('TAX_CODE', 'Tax code'), ('SHIPPING_METHOD', 'Shipping method'), ('UNIT', 'Unit of measure')], max_length=20)),
                ('external_code', models.CharField(max_length=200)),
                ('canonical_code', models.CharField(max_length=200)),
                ('direction', models.CharField(choices=[('INWARD', 'Theirs to ours'), ('OUTWARD', 'Ours to theirs'), ('BOTH', 'Both ways')], default='BOTH', max_length=8)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mappings', to='connectors.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('direction__in', ['INWARD', 'BOTH'])), fields=('connection', 'table', 'external_code'), name='connectors_codemapping_their_code_means_one_thing'), models.UniqueConstraint(condition=models.Q(('direction__in', ['OUTWARD', 'BOTH'])), fields=('connection', 'table', 'canonical_code'), name='connectors_codemapping_our_code_has_one_name_there'), models.CheckConstraint(condition=models.Q(models.Q(('external_code', ''), _negated=True), models.Q(('canonical_code', ''), _negated=True)), name='connectors_codemapping_codes_are_never_empty')],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(editable=False, max_length=12, unique=True)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('scopes', models.JSONField(default=list)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('is_active', models.BooleanField(default=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='connectors.connection')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('digest', ''), _negated=True), name='connectors_apikey_has_a_digest')],
            },
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(help_text='e.g. access_token, webhook_secret', max_length=40)),
                ('ciphertext', models.BinaryField()),
                ('fingerprint', models.CharField(editable=False, max_length=12)),
                ('last_four', models.CharField(blank=True, editable=False, max_length=4)),
                ('retires_at', models.DateTimeField(blank=True, help_text='A replaced secret stays valid until then.', null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to='connectors.connection')),
            ],
            options={
                'indexes': [models.Index(fields=['connection', 'name'], name='connectors_credential_by_name')],
            },
        ),
        migrations.CreateModel(
            name='Cursor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=40)),
                ('position', models.CharField(blank=True, max_length=1000)),
                ('seen_until', models.DateTimeField()),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Not asked before.')),
                ('began_at', models.DateTimeField(blank=True, help_text='When the listing that is under way was begun.', null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cursors', to='connectors.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('connection', 'resource'), name='connectors_cursor_one_per_resource')],
            },
        ),
        migrations.CreateModel(
            name='ExternalReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('reference', models.CharField(help_text='Our name of the record.', max_length=200)),
                ('external_id', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='references', to='connectors.connection')),
            ],
            options={
                'indexes': [models.Index(fields=['external_id'], name='connectors_reference_by_id')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'reference'), name='connectors_externalreference_one_per_record')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalApiKey',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(db_index=True, editable=False, max_length=12)),
                ('scopes', models.JSONField(default=list)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('is_active', models.BooleanField(default=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('connection', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connectors.connection')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical api key',
                'verbose_name_plural': 'historical api keys',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalCodeMapping',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('table', models.CharField(choices=[('SKU', 'SKU'), ('LOCATION', 'Location'), ('TAX_CODE', 'Tax code'), ('SHIPPING_METHOD', 'Shipping method'), ('UNIT', 'Unit of measure')], max_length=20)),
                ('external_code', models.CharField(max_length=200)),
                ('canonical_code', models.CharField(max_length=200)),
                ('direction', models.CharField(choices=[('INWARD', 'Theirs to ours'), ('OUTWARD', 'Ours to theirs'), ('BOTH', 'Both ways')], default='BOTH', max_length=8)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('connection', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connectors.connection')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical code mapping',
                'verbose_name_plural': 'historical code mappings',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalConnection',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('slug', models.SlugField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('system', models.CharField(help_text='A name from the registry, e.g. shopify.', max_length=40)),
                ('role', models.CharField(choices=[('SHOP', 'Shop'), ('ERP', 'ERP'), ('WAREHOUSE', 'Warehouse')], max_length=12)),
                ('base_url', models.URLField(blank=True, max_length=300)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('is_active', models.BooleanField(default=True)),
                ('rate_per_second', models.FloatField(default=10, help_text='Calls per second we allow ourselves.')),
                ('burst', models.PositiveIntegerField(default=20, help_text='Calls in a row before the rate bites.')),
                ('concurrency', models.PositiveSmallIntegerField(default=4, help_text='Calls in flight at once.')),
                ('timeout_seconds', models.FloatField(default=20, help_text='Wall clock for one call.')),
                ('settle_seconds', models.FloatField(default=120, help_text='How long a lost call may still be applied on their side. Only after it do we look whether it was.')),
                ('poll_seconds', models.PositiveIntegerField(default=0, help_text="0: this connection isn't polled.")),
                ('silence_minutes', models.PositiveIntegerField(db_default=0, default=0, help_text='Minutes without a word on stock after which a node is silent. 0: not watched.', verbose_name='silent after')),
                ('fallback', models.CharField(choices=[('HOLD', 'its last number'), ('SHARE', 'a share of its last number'), ('STOP', 'nothing of it')], db_default='HOLD', default='HOLD', max_length=5, verbose_name='then offer')),
                ('fallback_percent', models.PositiveSmallIntegerField(db_default=50, default=50, help_text='Of the last number, while it is silent.', verbose_name='share (percent)')),
                ('inbound_paused_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('outbound_paused_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('pause_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('health', models.CharField(choices=[('HEALTHY', 'Healthy'), ('DEGRADED', 'Degraded'), ('DOWN', 'Down'), ('SIGN_IN', 'Needs sign-in')], default='HEALTHY', editable=False, max_length=10)),
                ('health_since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('health_detail', models.CharField(blank=True, editable=False, max_length=500)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('channel', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.channel')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical connection',
                'verbose_name_plural': 'historical connections',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSystemOfRecord',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('domain', models.CharField(choices=[('STOCK', 'Stock on hand')], default='STOCK', max_length=10)),
                ('policy', models.CharField(choices=[('REFUSE', 'Refuse the others quietly'), ('RAISE', 'Raise a case when another writes')], default='REFUSE', max_length=6)),
                ('note', models.CharField(blank=True, help_text='Why: for the next reader.', max_length=200)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('connection', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connectors.connection')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('location', models.ForeignKey(blank=True, db_constraint=False, help_text='Empty: every node.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.location')),
            ],
            options={
                'verbose_name': 'historical system of record',
                'verbose_name_plural': 'historical systems of record',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='InboundKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=80)),
                ('key', models.CharField(max_length=200)),
                ('body_sha256', models.BinaryField(max_length=32)),
                ('message_id', models.BigIntegerField(null=True)),
                ('hits', models.PositiveIntegerField(db_default=1, default=1)),
                ('first_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='connectors.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('connection', 'topic', 'key'), name='connectors_inboundkey_heard_once')],
            },
        ),
        migrations.CreateModel(
            name='InboundMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=80)),
                ('key', models.CharField(max_length=200)),
                ('lane', models.CharField(max_length=160)),
                ('body', models.BinaryField()),
                ('body_sha256', models.BinaryField(max_length=32)),
                ('headers', models.JSONField(db_default={}, default=dict)),
                ('edited_body', models.BinaryField(blank=True, null=True)),
                ('trace_id', models.UUIDField()),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('event_at', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('RECEIVED', 'Received'), ('PROCESSING', 'Processing'), ('WAITING', 'Waiting'), ('PARKED', 'Parked'), ('PROCESSED', 'Processed'), ('SUPERSEDED', 'Superseded'), ('IGNORED', 'Ignored'), ('DEAD', 'Dead')], db_default='RECEIVED', default=connectors.lifecycle.InboundState['RECEIVED'], max_length=10)),
                ('attempts', models.PositiveIntegerField(db_default=0, default=0)),
                ('crashes', models.PositiveIntegerField(db_default=0, default=0)),
                ('generation', models.PositiveIntegerField(db_default=0, default=0)),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('deadline_at', models.DateTimeField(null=True)),
                ('lease_owner', models.CharField(db_default='', default='', max_length=80)),
                ('lease_token', models.BigIntegerField(db_default=0, default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('error_code', models.CharField(db_default='', default='', max_length=80)),
                ('error_detail', models.TextField(db_default='', default='')),
                ('error_context', models.JSONField(db_default={}, default=dict)),
                ('finished_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inbound', to='connectors.connection')),
                ('is_conflict_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='conflicts', to='connectors.inboundmessage')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['RECEIVED', 'WAITING', 'PARKED'])), fields=['next_attempt_at', 'id'], name='connectors_inbound_due'), models.Index(condition=models.Q(('crashes__gt', 0), ('state__in', ['RECEIVED', 'WAITING', 'PARKED'])), fields=['next_attempt_at', 'id'], name='connectors_inbound_crashed'), models.Index(condition=models.Q(('state__in', ['RECEIVED', 'PROCESSING', 'WAITING', 'PARKED'])), fields=['lane', 'id'], name='connectors_inbound_lane'), models.Index(condition=models.Q(('state', 'PROCESSING')), fields=['lease_until'], name='connectors_inbound_leased'), models.Index(fields=['trace_id'], name='connectors_inbound_by_trace'), models.Index(fields=['key'], name='connectors_inbound_by_key')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalCorrectionRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('topic', models.CharField(max_length=80)),
                ('conditions', models.JSONField()),
                ('patch', models.JSONField()),
                ('reason', models.CharField(max_length=500)),
                ('expires_at', models.DateTimeField()),
                ('is_active', models.BooleanField(default=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('connection', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connectors.connection')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_from', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='connectors.inboundmessage')),
            ],
            options={
                'verbose_name': 'historical correction rule',
                'verbose_name_plural': 'historical correction rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='CorrectionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('topic', models.CharField(max_length=80)),
                ('conditions', models.JSONField()),
                ('patch', models.JSONField()),
                ('reason', models.CharField(max_length=500)),
                ('expires_at', models.DateTimeField()),
                ('is_active', models.BooleanField(default=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='correction_rules', to='connectors.connection')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('made_from', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='connectors.inboundmessage')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('is_active', True)), fields=['connection', 'topic'], name='connectors_correctionrule_live')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('conditions', []), _negated=True), models.Q(('patch', []), _negated=True)), name='connectors_correctionrule_has_a_condition_and_a_patch')],
            },
        ),
        migrations.CreateModel(
            name='CorrectionHit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hits', to='connectors.correctionrule')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='corrections', to='connectors.inboundmessage')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('rule', 'message'), name='connectors_correctionhit_once_per_message')],
            },
        ),
        migrations.CreateModel(
            name='MessageVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('body', models.BinaryField(null=True)),
                ('reason', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='connectors.inboundmessage')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('message', 'number'), name='connectors_messageversion_numbered_once'), models.CheckConstraint(condition=models.Q(('number__gte', 2)), name='connectors_messageversion_one_is_what_arrived')],
            },
        ),
        migrations.CreateModel(
            name='MissedOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=80)),
                ('number', models.CharField(max_length=80)),
                ('placed_at', models.DateTimeField(help_text="By the source's clock.")),
                ('found_at', models.DateTimeField()),
                ('told_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='missed', to='connectors.connection')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='connectors.inboundmessage')),
            ],
            options={
                'indexes': [models.Index(fields=['connection', 'found_at'], name='connectors_missed_newest')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'external_id'), name='connectors_missedorder_found_once')],
            },
        ),
        migrations.CreateModel(
            name='OutboundMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('effect_key', models.CharField(max_length=200)),
                ('lane', models.CharField(max_length=160)),
                ('order_id', models.BigIntegerField(help_text='The order it belongs to.', null=True)),
                ('reference', models.CharField(help_text='Our name of the record it makes.', max_length=200)),
                ('criticality', models.CharField(choices=[('P0', 'P0'), ('P1', 'P1'), ('P2', 'P2'), ('P3', 'P3')], max_length=2)),
                ('coalesce_key', models.CharField(db_default='', default='', max_length=200)),
                ('payload', models.JSONField()),
                ('trace_id', models.UUIDField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('state', models.CharField(choices=[('READY', 'Ready'), ('SENDING', 'Sending'), ('UNKNOWN', 'Unknown'), ('SENT', 'Sent'), ('DEAD', 'Dead'), ('MANUAL', 'Manual'), ('CANCELLED', 'Cancelled'), ('SUPERSEDED', 'Superseded')], db_default='READY', default=connectors.lifecycle.OutboundState['READY'], max_length=10)),
                ('attempts', models.PositiveIntegerField(db_default=0, default=0)),
                ('failures', models.PositiveIntegerField(db_default=0, default=0)),
                ('generation', models.PositiveIntegerField(db_default=0, default=0)),
                ('must_look_up', models.BooleanField(db_default=False, default=False)),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('deadline_at', models.DateTimeField()),
                ('lease_owner', models.CharField(db_default='', default='', max_length=80)),
                ('lease_token', models.BigIntegerField(db_default=0, default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('external_id', models.CharField(db_default='', default='', max_length=200)),
                ('error_code', models.CharField(db_default='', default='', max_length=80)),
                ('error_detail', models.TextField(db_default='', default='')),
                ('error_context', models.JSONField(db_default={}, default=dict)),
                ('finished_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outbound', to='connectors.connection')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['READY', 'UNKNOWN'])), fields=['connection', 'criticality', 'next_attempt_at', 'id'], name='connectors_outbound_due'), models.Index(condition=models.Q(('state__in', ['SENT', 'CANCELLED', 'SUPERSEDED']), _negated=True), fields=['connection', 'lane', 'id'], name='connectors_outbound_lane'), models.Index(condition=models.Q(('state', 'SENDING')), fields=['lease_until'], name='connectors_outbound_leased'), models.Index(fields=['order_id'], name='connectors_outbound_by_order')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'effect_key'), name='connectors_outbound_effect_owed_once')],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('lease_token', models.BigIntegerField()),
                ('is_look_up', models.BooleanField(db_default=False, default=False)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(choices=[('SENT', 'Sent'), ('FOUND', 'Found'), ('ABSENT', 'Absent'), ('LATER', 'Later'), ('THROTTLED', 'Throttled'), ('UNKNOWN', 'Unknown'), ('REJECTED', 'Rejected'), ('CRASHED', 'Crashed'), ('LATE', 'Late')], db_default='', default='', max_length=10)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('error_code', models.CharField(db_default='', default='', max_length=80)),
                ('detail', models.TextField(db_default='', default='')),
                ('request', models.JSONField(null=True)),
                ('response', models.JSONField(null=True)),
                ('milliseconds', models.PositiveIntegerField(null=True)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='journal', to='connectors.outboundmessage')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('message', 'number'), name='connectors_attempt_numbered_once'), models.CheckConstraint(condition=models.Q(('finished_at', None), ('finished_at__gte', models.F('started_at')), _connector='OR'), name='connectors_attempt_ends_after_it_starts')],
            },
        ),
        migrations.CreateModel(
            name='SystemOfRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('domain', models.CharField(choices=[('STOCK', 'Stock on hand')], default='STOCK', max_length=10)),
                ('policy', models.CharField(choices=[('REFUSE', 'Refuse the others quietly'), ('RAISE', 'Raise a case when another writes')], default='REFUSE', max_length=6)),
                ('note', models.CharField(blank=True, help_text='Why: for the next reader.', max_length=200)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='connectors.connection')),
                ('location', models.ForeignKey(blank=True, help_text='Empty: every node.', null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.location')),
            ],
            options={
                'verbose_name_plural': 'systems of record',
                'constraints': [models.UniqueConstraint(fields=('domain', 'location'), name='connectors_systemofrecord_one_per_domain_and_node', nulls_distinct=False)],
            },
        ),
        migrations.RunSQL(guard("inbound", INBOUND), unguard("inbound")),
        migrations.RunSQL(guard("outbound", OUTBOUND), unguard("outbound")),
        *(append_only(f"connectors_historical{name}", HISTORY) for name in HISTORIES),
    ]
