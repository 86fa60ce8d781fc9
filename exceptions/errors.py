"""What the desk refuses, in words for the person who asked."""

from __future__ import annotations

from retailhub.kernel.errors import NeedsOperator


class VerbNotAllowed(NeedsOperator):
    """The case has moved on; the button is no longer true."""

    code = "exceptions.verb_not_allowed"


class VersionStale(NeedsOperator):
    """Somebody changed the case meanwhile."""

    code = "exceptions.version_stale"


class NotTheirs(NeedsOperator):
    """The person who was chosen could not see the case, or may not work on it."""

    code = "exceptions.not_theirs"


class CauseMovedOn(NeedsOperator):
    """Somebody merged or split it meanwhile."""

    code = "exceptions.cause_moved_on"


class NothingToUndo(NeedsOperator):
    """The act was taken back already, or something else has happened since."""

    code = "exceptions.nothing_to_undo"


class NameTaken(NeedsOperator):
    """Another view of the same person has this name."""

    code = "exceptions.name_taken"


class TooManyViews(NeedsOperator):
    """Nobody finds a view among so many."""

    code = "exceptions.too_many_views"


class NothingSelected(NeedsOperator):
    """No case that this person may see was meant."""

    code = "exceptions.nothing_selected"


class SelectionExpired(NeedsOperator):
    """The selection is too old to be acted on, or somebody else's."""

    code = "exceptions.selection_expired"


class KeyReused(NeedsOperator):
    """A program used the key of one act for another."""

    code = "api.idempotency_key_reused"


class SecretUnreadable(NeedsOperator):
    """A secret was encrypted with a key that we do not have."""

    code = "exceptions.secret_unreadable"
