"""What every page shows: the counts in the sidebar."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame around each page."""
    return {}
