"""Which admin changed what in a connection, a key or a mapping is never rewritten."""

from django.db import migrations

from retailhub.kernel.append_only import append_only

SAYS = "the history of a configuration only grows: change the configuration itself"
HISTORIES = ["apikey", "codemapping", "connection", "correctionrule", "systemofrecord"]


class Migration(migrations.Migration):

    dependencies = [("connectors", "0013_declare_systems_of_record")]

    operations = [append_only(f"connectors_historical{name}", SAYS) for name in HISTORIES]
