"""Orders, what they promise and what became of it."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import orders.lifecycle
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    # An installation that has all of these has this.
    replaces = [
        ("orders", "0001_initial"),
        ("orders", "0002_units_taken_off_a_line"),
        ("orders", "0003_what_a_node_lacks_and_who_waits_for_stock"),
        ("orders", "0004_equal_versions_told_apart"),
        ("orders", "0005_customer_tags"),
        ("orders", "0006_take_over_a_baskets_hold"),
    ]

    dependencies = [
        ('inventory', '0001_first_release'),
    ]

    operations = [
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('external_id', models.CharField(max_length=80)),
                ('name', models.CharField(blank=True, max_length=255)),
                ('email', models.CharField(blank=True, max_length=320)),
                ('phone', models.CharField(blank=True, max_length=80)),
                ('tags', models.JSONField(help_text='How the channel classes them, e.g. VIP. Empty: it does not say.', null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='customers', to='inventory.channel')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='orders_customer_known_once_per_channel')],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('external_id', models.CharField(max_length=80)),
                ('reference', models.CharField(max_length=160, unique=True)),
                ('number', models.CharField(max_length=80)),
                ('state', models.CharField(choices=[('ACCEPTED', 'Accepted'), ('RESERVED', 'Reserved'), ('ALLOCATED', 'Allocated'), ('PICKED', 'Picked'), ('PACKED', 'Packed'), ('SHIPPED', 'Shipped'), ('DELIVERED', 'Delivered'), ('RETURNED', 'Returned'), ('RECONCILED', 'Reconciled'), ('CANCELLED', 'Cancelled')], max_length=12)),
                ('is_partial', models.BooleanField(default=False)),
                ('held_for', models.CharField(blank=True, default='', max_length=80)),
                ('hold_detail', models.TextField(blank=True, default='')),
                ('financial_status', models.CharField(blank=True, max_length=24)),
                ('customer_status', models.CharField(blank=True, max_length=40)),
                ('is_test', models.BooleanField(default=False)),
                ('currency', models.CharField(max_length=3)),
                ('total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('discount_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('shipping_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('tax_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('tip_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('duties_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('difference', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('difference_reason', models.CharField(blank=True, max_length=200)),
                ('taxes_included', models.BooleanField(default=False)),
                ('presentment_currency', models.CharField(blank=True, max_length=3)),
                ('presentment_total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('ship_to', models.JSONField(blank=True, null=True)),
                ('bill_to', models.JSONField(blank=True, null=True)),
                ('shipping_method', models.CharField(blank=True, max_length=120)),
                ('tags', models.JSONField(blank=True, default=list)),
                ('note', models.TextField(blank=True)),
                ('reservation', models.CharField(blank=True, db_default='', default='', help_text='The hold of a basket that it takes over, as promises know it.', max_length=120)),
                ('extension', models.JSONField(blank=True, default=dict)),
                ('placed_at', models.DateTimeField()),
                ('version_at', models.DateTimeField(help_text="The channel's clock at the newest snapshot applied.")),
                ('told_at', models.DateTimeField(help_text='When the channel told that snapshot: tells equal versions apart.', null=True)),
                ('accepted_at', models.DateTimeField()),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_reason', models.CharField(blank=True, max_length=200)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('sourcing', models.JSONField(blank=True, default=list, help_text='Why these nodes, step by step.')),
                ('trace_id', models.UUIDField()),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='inventory.channel')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='orders.customer')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('held_for', ''), ('state__in', ['ACCEPTED', 'RESERVED'])), fields=['id'], name='orders_order_due_for_step'), models.Index(condition=models.Q(('held_for', 'inventory.insufficient_stock'), ('state', 'ACCEPTED')), fields=['id'], name='orders_order_waits_for_stock'), models.Index(fields=['number'], name='orders_order_by_number'), models.Index(fields=['-placed_at', '-id'], name='orders_order_newest_first'), models.Index(fields=['trace_id'], name='orders_order_by_trace')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='orders_order_known_once_per_channel'), models.CheckConstraint(condition=models.Q(('difference', 0), models.Q(('difference_reason', ''), _negated=True), _connector='OR'), name='orders_order_difference_has_a_name')],
            },
        ),
        migrations.CreateModel(
            name='FulfillmentOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('reference', models.CharField(max_length=170, unique=True)),
                ('external_id', models.CharField(blank=True, max_length=120)),
                ('work_status', models.CharField(choices=[('OPEN', 'Open'), ('IN_PROGRESS', 'In progress'), ('INCOMPLETE', 'Incomplete'), ('CANCELLED', 'Cancelled'), ('CLOSED', 'Closed')], default=orders.lifecycle.WorkStatus['OPEN'], max_length=12)),
                ('request_status', models.CharField(choices=[('UNSUBMITTED', 'Unsubmitted'), ('SUBMITTED', 'Submitted'), ('ACCEPTED', 'Accepted'), ('REJECTED', 'Rejected'), ('CANCELLATION_REQUESTED', 'Cancellation requested'), ('CANCELLATION_ACCEPTED', 'Cancellation accepted'), ('CANCELLATION_REJECTED', 'Cancellation rejected'), ('CLOSED', 'Closed')], default=orders.lifecycle.RequestStatus['UNSUBMITTED'], max_length=24)),
                ('progress', models.CharField(default=orders.lifecycle.OrderState['ALLOCATED'], max_length=12)),
                ('explanation', models.JSONField(default=list)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='inventory.location')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fulfillment_orders', to='orders.order')),
            ],
            options={
                'indexes': [models.Index(fields=['order'], name='orders_fulfillment_by_order')],
            },
        ),
        migrations.CreateModel(
            name='OrderEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('text', models.CharField(max_length=300)),
                ('from_state', models.CharField(blank=True, max_length=12)),
                ('to_state', models.CharField(blank=True, max_length=12)),
                ('customer_status', models.CharField(blank=True, max_length=40)),
                ('system', models.CharField(blank=True, max_length=60)),
                ('data', models.JSONField(blank=True, default=dict)),
                ('trace_id', models.UUIDField(blank=True, null=True)),
                ('happened_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='orders.order')),
            ],
            options={
                'indexes': [models.Index(fields=['order', 'id'], name='orders_event_by_order')],
            },
        ),
        migrations.CreateModel(
            name='OrderLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=80)),
                ('kind', models.CharField(max_length=12)),
                ('sku', models.CharField(blank=True, help_text='As the channel spells it.', max_length=120)),
                ('title', models.CharField(blank=True, max_length=500)),
                ('quantity', models.PositiveIntegerField(help_text='As it was ordered and charged.')),
                ('removed_quantity', models.PositiveIntegerField(db_default=0, default=0, help_text='Taken off since, by edits and refunds in the shop.')),
                ('unit_price', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('discount', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('tax', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('total', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('taxes', models.JSONField(blank=True, default=list)),
                ('requires_shipping', models.BooleanField(default=True)),
                ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.item')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.order')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'external_id'), name='orders_orderline_known_once_per_order')],
            },
        ),
        migrations.CreateModel(
            name='FulfillmentLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('shipped_quantity', models.PositiveIntegerField(db_default=0, default=0)),
                ('short_quantity', models.PositiveIntegerField(db_default=0, default=0, help_text="The node can't find these; they will not come.")),
                ('fulfillment_order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.fulfillmentorder')),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='orders.orderline')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('shipped_quantity__lte', models.F('quantity'))), name='orders_fulfillmentline_ships_at_most_its_quantity'), models.CheckConstraint(condition=models.Q(('short_quantity__lte', django.db.models.expressions.CombinedExpression(models.F('quantity'), '-', models.F('shipped_quantity')))), name='orders_fulfillmentline_lacks_at_most_what_is_left'), models.UniqueConstraint(fields=('fulfillment_order', 'order_line'), name='orders_fulfillmentline_one_per_line_and_node')],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=80)),
                ('amount', models.DecimalField(decimal_places=4, default=0, max_digits=19)),
                ('currency', models.CharField(max_length=3)),
                ('note', models.TextField(blank=True)),
                ('refunded_at', models.DateTimeField()),
                ('heard_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refunds', to='orders.order')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'external_id'), name='orders_refund_recorded_once'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='orders_refund_is_never_negative')],
            },
        ),
        migrations.CreateModel(
            name='Shipment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('external_id', models.CharField(max_length=120)),
                ('carrier', models.CharField(blank=True, max_length=80)),
                ('tracking_number', models.CharField(blank=True, max_length=120)),
                ('tracking_url', models.CharField(blank=True, max_length=500)),
                ('shipped_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('fulfillment_order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shipments', to='orders.fulfillmentorder')),
            ],
            options={
                'indexes': [models.Index(fields=['tracking_number'], name='orders_shipment_by_tracking')],
                'constraints': [models.UniqueConstraint(fields=('fulfillment_order', 'external_id'), name='orders_shipment_recorded_once')],
            },
        ),
        migrations.CreateModel(
            name='ShipmentLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parcels', to='orders.orderline')),
                ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.shipment')),
            ],
        ),
    ]
