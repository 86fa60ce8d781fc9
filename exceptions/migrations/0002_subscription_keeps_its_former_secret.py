"""A replaced secret signs beside the new one for a while; none has one yet."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exceptions', '0001_first_release'),
    ]

    operations = [
        migrations.AddField(
            model_name='subscription',
            name='former_ciphertext',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='subscription',
            name='former_until',
            field=models.DateTimeField(editable=False, null=True, verbose_name='the old secret signs until'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('former_ciphertext', None), ('former_until', None)), models.Q(('former_ciphertext__isnull', False), ('former_until__isnull', False)), _connector='OR'), name='exceptions_subscription_old_secret_ends_at_a_time'),
        ),
    ]
