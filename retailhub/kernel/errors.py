"""Why did it not work, and can waiting help?

    HubError
    ├── RetryLater        the world was not ready: the row waits and tries again by itself
    │   └── OutcomeUnknown    the answer was lost: look before asking again
    └── NeedsOperator     a person must decide: the row stops and a case opens

The retry policy is in the type, never in the caller.
"""

from __future__ import annotations

from typing import Any


class HubError(Exception):
    """An anticipated failure. `code` is stable and names the playbook row; `context` is data."""

    code = "hub.error"

    def __init__(self, message: str, *, code: str = "", **context: Any) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.context: dict[str, Any] = context


class RetryLater(HubError):
    """The work is sound but the world was not ready. Waits `after` seconds, or the policy's."""

    code = "hub.retry_later"

    def __init__(self, message: str, *, after: float | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.after = after


class OutcomeUnknown(RetryLater):
    """The call may or may not have been applied. Never repeated before a look-up."""

    code = "hub.outcome_unknown"


class NeedsOperator(HubError):
    """No amount of waiting helps: somebody must correct, decide or confirm."""

    code = "hub.needs_operator"
