from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0004_claim_by_connection")]

    operations = [
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(
                    ("crashes__gt", 0), ("state__in", ["RECEIVED", "WAITING", "PARKED"])
                ),
                name="connectors_inbound_crashed",
            ),
        ),
    ]
