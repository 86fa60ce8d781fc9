"""Bytes -> facts: parse strictly, correct by the rules, read with the system's own mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.models import CorrectionRule, InboundMessage
from connectors.registry import PARSERS, SOURCES
from connectors.services.corrections import corrected, live_rules
from connectors.systems.base import Reading
from retailhub.kernel.json import read_json


@dataclass(frozen=True)
class Read:
    """What a body says, and which rules corrected it on the way."""

    reading: Reading
    rules: Sequence[int] = ()


def read_body(
    message: InboundMessage,
    body: bytes | None = None,
    *,
    rules: Iterable[CorrectionRule] | None = None,
) -> Read:
    """Read a message's current body, or another one in its place. Writes nothing.

    Raises `NeedsOperator` naming the field. Without `rules` the live ones are asked for.
    """
    payload = parsed(message, body)
    if rules is None:
        rules = live_rules({message.connection_id})
    payload, applied = corrected(payload, message, rules)
    source = SOURCES[message.connection.system]
    return Read(source.read(message.topic, payload), applied)


def parsed(message: InboundMessage, body: bytes | None = None) -> Any:
    """A message's current body, or another one in its place, as plain data; JSON but for a few.

    Raises `NeedsOperator`.
    """
    parse = PARSERS.get(message.connection.system, read_json)
    return parse(message.current_body if body is None else body)
