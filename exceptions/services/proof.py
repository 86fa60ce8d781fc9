"""Who closes a case claims a cure: verified at once by a fact, looked at soon, or taken as said."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from exceptions.models import ExceptionCase
from exceptions.models.proof import Proof

# What was done may need a moment to be seen.
FIRST_LOOK = timedelta(seconds=10) * settings.POLICY_TIME_SCALE

# The resolutions that the same work's success wrote, and how they read.
BY_FACT: dict[str, str] = {
    "by itself": "It went through",
    "replay": "The replay went through",
    "not wanted": "It is not wanted any more",
}
# What a person may say when they close a case: what it is called, and whether it can be looked at.
BY_PERSON: dict[str, str] = {
    "by hand": "Done by hand",
    "in source": "Corrected in the source",
    "other way": "Done where RetailHub can't see it",
    "not needed": "Not needed any more",
}
LOOKED_AT = frozenset({"by hand", "in source"})


def claim_cure(case: ExceptionCase, *, now: datetime, text: str = "") -> None:
    """Set what is known of the cure of a case that has just been closed or opened again.

    The caller locked it and saves it.
    """
    case.proof_at = case.proof_due_at = None
    if case.closed_at is None:
        case.proof, case.proof_text = "", ""
    elif case.resolution in BY_FACT:
        case.proof, case.proof_at = Proof.VERIFIED, now
        case.proof_text = text or BY_FACT[case.resolution]
    elif case.resolution in LOOKED_AT:
        case.proof, case.proof_text = Proof.UNVERIFIED, ""
        case.proof_due_at = now + FIRST_LOOK
    else:
        case.proof, case.proof_text = Proof.WORD, ""
