"""What can stop a message. The systems' own errors live in `systems/`."""

from __future__ import annotations

from retailhub.kernel.errors import NeedsOperator, RetryLater


class PrerequisiteMissing(RetryLater):
    """The message speaks of something not heard of yet. Parked until it comes, or the deadline."""

    code = "connectors.parent_missing"


class Exhausted(NeedsOperator):
    """Everything the policy allows was tried."""

    code = "connectors.exhausted"


class PoisonCrash(NeedsOperator):
    """The message ended its worker's process again and again."""

    code = "connectors.poison_crash"


class KeyConflict(NeedsOperator):
    """The same message id came with another body."""

    code = "connectors.key_conflict"


class ConnectionUnusable(NeedsOperator):
    """The connection is not set up for what was asked."""

    code = "connectors.connection_unusable"


class ReceiptsDisagree(NeedsOperator):
    """A system has another record than the one we know of, or one that was not wanted."""

    code = "connectors.receipts_disagree"


class RuleUnusable(NeedsOperator):
    """A correction rule that is too wide, too large or not well formed."""

    code = "connectors.rule_unusable"


class NotAuthoritative(NeedsOperator):
    """A connection wrote what another is declared the system of record for."""

    code = "connectors.not_authoritative"
