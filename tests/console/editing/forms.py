"""The form of a correction, filled in."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

from connectors.models import InboundMessage
from exceptions.models import ExceptionCase

CITY = "field:ship_to.city"


def fields_of(answer: Any) -> dict[str, str]:
    """The form as a browser would post it back."""
    text = answer.content.decode()
    found = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', text))
    area = re.search(r'<textarea[^>]* name="body"[^>]*>(.*?)</textarea>', text, re.S)
    if area:
        found["body"] = area[1]
    return {name: html.unescape(value) for name, value in found.items()}


def body_with(case: ExceptionCase, change: Callable[[Any], None]) -> str:
    body = json.loads(bytes(InboundMessage.objects.get(pk=case.inbound_id or 0).body))
    body["ship_to"]["city"] = "Berlin"
    change(body)
    return json.dumps(body)
