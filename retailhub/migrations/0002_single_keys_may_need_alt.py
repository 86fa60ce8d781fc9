"""Single keys are on, off, or only with Alt; who had them off has them off."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("retailhub", "0001_first_release")]

    operations = [
        migrations.AddField(
            model_name="preferences",
            name="single_keys",
            field=models.CharField(blank=True, choices=[("", "On"), ("alt", "Only with Alt"), ("off", "Off")], default="", max_length=3),
            preserve_default=False,
        ),
        migrations.RunSQL(
            "UPDATE retailhub_preferences SET single_keys = 'off' WHERE NOT has_keys",
            "UPDATE retailhub_preferences SET has_keys = single_keys <> 'off'",
        ),
        migrations.RemoveField(model_name="preferences", name="has_keys"),
        migrations.RemoveConstraint(
            model_name="preferences",
            name="retailhub_preferences_are_ones_that_pages_know",
        ),
        migrations.AddConstraint(
            model_name="preferences",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("theme__in", ["", "light", "dark"]),
                    ("density__in", ["", "compact", "comfortable"]),
                    ("single_keys__in", ["", "alt", "off"]),
                ),
                name="retailhub_preferences_are_ones_that_pages_know",
            ),
        ),
    ]
