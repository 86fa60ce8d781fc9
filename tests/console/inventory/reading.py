"""What a page of an item says."""

from __future__ import annotations

import re
from typing import Any

from django.utils.html import strip_tags

from tests.console.shelves import SKU

PAGE = f"/inventory/{SKU}/"


def text_of(answer: Any) -> str:
    """What a person reads, in one line."""
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def lines_of(answer: Any) -> list[tuple[str, int, int]]:
    """The waterfall as it was given to the page."""
    return [(one.label, one.change, one.after) for one in answer.context["lines"]]
