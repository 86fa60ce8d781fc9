"""Which cases belong together, and who may draw the line?"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from exceptions.models import Cause, ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import User, of_cause, visible_cases
from retailhub.kernel.roles import Ability, may


def lacking_the_same(case: ExceptionCase) -> QuerySet[ExceptionCase]:
    """Open cases that wait for the very row of a mapping that `case` lacks; itself among them.

    Those of its fingerprint, however people merged or split their causes since.
    """
    root = case.cause.split_from_id or case.cause_id
    alike = Q(cause=root) | Q(cause__split_from=root)
    return ExceptionCase.objects.filter(alike, state__in=OPEN_STATES)


def cases_of_cause(cause_id: int) -> QuerySet[ExceptionCase]:
    """Every case that is shown as one of this cause."""
    return ExceptionCase.objects.filter(of_cause(cause_id))


def visible_causes(user: User) -> QuerySet[Cause]:
    """Causes as they are shown, of which `user` may see a case."""
    own = Exists(visible_cases(user).filter(cause=OuterRef("pk")))
    merged = Exists(Cause.objects.filter(own, merged_into=OuterRef("pk")))
    return Cause.objects.filter(own | merged, merged_into=None)


def sees_all_of(user: User, cause_ids: Sequence[int]) -> bool:
    """Whether no case of these causes is hidden from `user`: else they may not move them."""
    if may(user, Ability.SEE_EVERYTHING):
        return True
    mine = visible_cases(user).values("pk")
    hidden = [cases_of_cause(cause_id).exclude(pk__in=mine) for cause_id in cause_ids]
    return not any(some.exists() for some in hidden)
