"""A program acts on a case for a person: once for each key, and only on the version it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from exceptions.errors import KeyReused, VersionStale
from exceptions.models import CaseEvent, ProgramAct
from exceptions.services.acts import lock_case


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, under which key, and the digest of what is asked. `version` is what they saw."""

    api_key_id: int
    idempotency_key: str
    digest: str
    version: int | None = None


@transaction.atomic
def act_for(
    asked: Asked, *, case_id: int, act: Callable[[], dict[str, Any]], now: datetime
) -> dict[str, Any]:
    """Do it and keep the answer; asking again gives the first answer and does nothing.

    Raises `VersionStale` when the case has moved on, `KeyReused` when the key was used for
    something else. A refusal is not kept: what was refused may be asked again.
    """
    case = lock_case(case_id)
    mine = ProgramAct.objects.filter(
        api_key_id=asked.api_key_id, idempotency_key=asked.idempotency_key
    )
    known = mine.first()
    if known is not None:
        return _same(known, asked)
    if asked.version is not None and asked.version != case.version:
        raise VersionStale(
            f"The case is at version {case.version} now, and you saw {asked.version}."
            " Nothing was changed: read it again."
        )
    seen = _newest(case_id)
    answer, event = act(), _newest(case_id)
    try:
        with transaction.atomic():
            ProgramAct.objects.create(
                api_key_id=asked.api_key_id,
                idempotency_key=asked.idempotency_key,
                digest=asked.digest,
                event=event if event != seen else None,
                answer=answer,
                at=now,
            )
    except IntegrityError:  # at the same moment, for another case
        raise _reused() from None
    return answer


def _same(known: ProgramAct, asked: Asked) -> dict[str, Any]:
    if known.digest != asked.digest:
        raise _reused()
    answer: dict[str, Any] = known.answer
    return answer


def _reused() -> KeyReused:
    return KeyReused("This Idempotency-Key came with another request before; that one counts.")


def _newest(case_id: int) -> CaseEvent | None:
    return CaseEvent.objects.filter(case_id=case_id).order_by("-pk").first()
