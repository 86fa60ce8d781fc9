
import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0002_find_codes_by_likeness'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            ],
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
            ],
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
            ],
        ),
        migrations.CreateModel(
            name='ItemUnit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.CharField(help_text='e.g. case, pallet, dozen', max_length=20)),
                ('factor', models.PositiveIntegerField(help_text="How many of the item's own units it holds.")),
            ],
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
            ],
        ),
        migrations.CreateModel(
            name='StockSignal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='channel',
            name='locations',
            field=models.ManyToManyField(blank=True, help_text='The nodes whose stock it may sell. Empty: every active one.', related_name='channels', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='item',
            name='category',
            field=models.CharField(blank=True, help_text='Availability rules may name it.', max_length=80),
        ),
        migrations.AddField(
            model_name='item',
            name='unit',
            field=models.CharField(db_default='each', default='each', help_text='The unit we count in. All our quantities are whole units of it.', max_length=20),
        ),
        migrations.AddField(
            model_name='location',
            name='fallback',
            field=models.CharField(choices=[('HOLD', 'Hold'), ('SHARE', 'Share'), ('STOP', 'Stop')], db_default='HOLD', default='HOLD', editable=False, max_length=5),
        ),
        migrations.AddField(
            model_name='location',
            name='fallback_percent',
            field=models.PositiveSmallIntegerField(db_default=100, default=100, editable=False),
        ),
        migrations.AddField(
            model_name='location',
            name='silent_since',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='reservation',
            name='expires_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='stocklevel',
            name='allocated',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='allocated_after',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='allocated_change',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='source',
            field=models.CharField(blank=True, db_default='', default='', help_text='Who said so.', max_length=60),
        ),
        migrations.AlterField(
            model_name='reservation',
            name='state',
            field=models.CharField(choices=[('HELD', 'Held'), ('RELEASED', 'Released'), ('EXPIRED', 'Expired'), ('CONSUMED', 'Consumed')], default='HELD', max_length=10),
        ),
        migrations.AlterField(
            model_name='stockmovement',
            name='kind',
            field=models.CharField(choices=[('COUNTED', 'Counted'), ('ADJUSTED', 'Adjusted'), ('RECEIVED', 'Received'), ('SENT_ON', 'Sent On'), ('ARRIVED', 'Arrived'), ('RETURNED', 'Returned'), ('SOLD', 'Sold'), ('ALLOCATED', 'Allocated'), ('RESERVED', 'Reserved'), ('RELEASED', 'Released'), ('CONSUMED', 'Consumed')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='reservation',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'HELD')), fields=['expires_at'], name='inventory_reservation_expiring'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('fallback_percent__lte', 100)), name='inventory_location_fallback_is_at_most_everything'),
        ),
        migrations.AddConstraint(
            model_name='stocklevel',
            constraint=models.CheckConstraint(condition=models.Q(('allocated__gte', 0)), name='inventory_stocklevel_allocated_never_negative'),
        ),
        migrations.AddField(
            model_name='availabilityrule',
            name='channel',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.channel'),
        ),
        migrations.AddField(
            model_name='availabilityrule',
            name='item',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.item'),
        ),
        migrations.AddField(
            model_name='availabilityrule',
            name='location',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='inventory.location'),
        ),
        migrations.AddField(
            model_name='channeloffer',
            name='channel',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='inventory.channel'),
        ),
        migrations.AddField(
            model_name='channeloffer',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='historicalavailabilityrule',
            name='channel',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.channel'),
        ),
        migrations.AddField(
            model_name='historicalavailabilityrule',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalavailabilityrule',
            name='item',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='historicalavailabilityrule',
            name='location',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='intransit',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_transit', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='intransit',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_transit', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='itemunit',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='units', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='publication',
            name='channel',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='inventory.channel'),
        ),
        migrations.AddField(
            model_name='publication',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='channeloffer',
            name='last',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.publication'),
        ),
        migrations.AddField(
            model_name='stocksignal',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.item'),
        ),
        migrations.AddConstraint(
            model_name='availabilityrule',
            constraint=models.CheckConstraint(condition=models.Q(('knob', 'SHARE'), ('value__gt', 100), _negated=True), name='inventory_availabilityrule_a_share_is_at_most_everything'),
        ),
        migrations.AddConstraint(
            model_name='availabilityrule',
            constraint=models.CheckConstraint(condition=models.Q(('item', None), ('category', ''), _connector='OR'), name='inventory_availabilityrule_names_an_item_or_a_category'),
        ),
        migrations.AddConstraint(
            model_name='availabilityrule',
            constraint=models.CheckConstraint(condition=models.Q(('location', None), ('knob__in', ['SAFETY_STOCK', 'HORIZON']), _connector='OR'), name='inventory_availabilityrule_a_channel_knob_has_no_node'),
        ),
        migrations.AddIndex(
            model_name='intransit',
            index=models.Index(condition=models.Q(('received_quantity__lt', models.F('quantity'))), fields=['item', 'location', 'expected_at'], name='inventory_intransit_on_its_way'),
        ),
        migrations.AddConstraint(
            model_name='intransit',
            constraint=models.UniqueConstraint(fields=('reference', 'item', 'location'), name='inventory_intransit_known_once'),
        ),
        migrations.AddConstraint(
            model_name='itemunit',
            constraint=models.UniqueConstraint(fields=('item', 'unit'), name='inventory_itemunit_one_factor_per_unit'),
        ),
        migrations.AddConstraint(
            model_name='itemunit',
            constraint=models.CheckConstraint(condition=models.Q(('factor__gt', 0)), name='inventory_itemunit_holds_something'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(fields=['channel', 'item', '-id'], name='inventory_publication_told'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(condition=models.Q(('state', 'OWED')), fields=['channel', 'changed_at'], name='inventory_publication_owed'),
        ),
        migrations.AddIndex(
            model_name='channeloffer',
            index=models.Index(fields=['item'], name='inventory_channeloffer_by_item'),
        ),
        migrations.AddIndex(
            model_name='channeloffer',
            index=models.Index(condition=models.Q(('published_at__isnull', False)), fields=['channel', 'observed_at', 'id'], name='inventory_channeloffer_unseen'),
        ),
        migrations.AddConstraint(
            model_name='channeloffer',
            constraint=models.UniqueConstraint(fields=('channel', 'item'), name='inventory_channeloffer_one_per_channel_and_item'),
        ),
    ]
