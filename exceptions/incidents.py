"""One incident, not ten thousand: the case of a connection that is down, and what hangs on it.

Its children are the cases that a system leaves behind by not answering. They stand while it does,
are counted on the incident and listed behind it; what ends in another trouble is listed again.
"""

from __future__ import annotations

from exceptions.expected import EXPECTED, code_of

# The cases about a connection itself; it never has two of them that are open.
INCIDENTS = ("connectors.connection_down", "connectors.credentials_rejected")

# What not answering causes. A row that is not mapped or a refusal is a trouble of its own, whoever
# is down: it stays in the queue, and can be solved meanwhile.
CAUSED = frozenset(
    {
        "connectors.exhausted",
        "connectors.remote_unavailable",
        "connectors.outcome_unknown",
        *(code_of(template) for template, row in EXPECTED.items() if row.effect),
    }
)

# Of an incident's context: since when its system answers again. Without it, it is down.
BACK = "back_at"
