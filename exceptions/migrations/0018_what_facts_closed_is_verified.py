"""What the same work's success had closed is verified by it; the rest was somebody's word."""

from django.db import migrations

KNOWN = """
UPDATE exceptions_exceptioncase SET
    proof = CASE WHEN resolution IN ('by itself', 'replay', 'not wanted')
                 THEN 'VERIFIED' ELSE 'WORD' END,
    proof_at = CASE WHEN resolution IN ('by itself', 'replay', 'not wanted') THEN closed_at END
WHERE closed_at IS NOT NULL AND proof = ''
"""


class Migration(migrations.Migration):

    dependencies = [("exceptions", "0017_what_was_before")]

    operations = [migrations.RunSQL(KNOWN, migrations.RunSQL.noop)]
