"""A file is asked for once, a changed one at once, and pages come compressed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.templatetags.static import static
from django.test import Client

from retailhub.asgi import static_application


def get(path: str, **headers: str) -> httpx.Response:
    """As a browser asks, of the part of the web process that answers."""

    async def ask() -> httpx.Response:
        transport: Any = httpx.ASGITransport(static_application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
            return await browser.get(path, headers=headers)

    return asyncio.run(ask())


def test_a_file_of_this_release_is_kept_for_ever_and_comes_compressed() -> None:
    answer = get(static("css/base.css"))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == (django_settings.BASE_DIR / "static/css/base.css").read_text()


def test_a_page_of_another_release_gets_files_that_it_must_ask_for_again() -> None:
    answer = get("/static/000000000000/css/base.css")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    etag = {"If-None-Match": answer.headers["etag"]}
    again = get("/static/000000000000/css/base.css", **etag)
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_who_edits_the_files_sees_them_at_once(settings: LazySettings) -> None:
    settings.DEBUG = True

    assert get(static("css/base.css")).headers["cache-control"] == "no-cache"


def test_the_admin_s_files_are_there_and_nothing_outside_is() -> None:
    assert get(static("admin/css/base.css")).status_code == 200
    for path in ("%2e%2e/manage.py", "nothing.css"):
        assert get(static("") + path).status_code == 404


def test_pages_come_compressed(client: Client, db: None) -> None:
    answer = client.get("/login/", headers={"Accept-Encoding": "gzip"})

    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
