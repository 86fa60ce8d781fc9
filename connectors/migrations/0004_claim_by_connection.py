from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0003_states_move_by_the_table")]

    operations = [
        migrations.RemoveIndex(model_name="outboundmessage", name="connectors_outbound_due"),
        migrations.AddIndex(
            model_name="outboundmessage",
            index=models.Index(
                fields=["connection", "criticality", "next_attempt_at", "id"],
                condition=models.Q(("state__in", ["READY", "UNKNOWN"])),
                name="connectors_outbound_due",
            ),
        ),
    ]
