"""The web process: hooks at the door, pages and API through Django, hints over WebSocket."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")
os.environ.setdefault("DATABASE_POOL", "1")
django_application = get_asgi_application()

# Django must be set up before anything that touches models is imported.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.middleware.gzip import GZipMiddleware  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.routing import Mount  # noqa: E402
from starlette.staticfiles import StaticFiles  # noqa: E402

from connectors.webhooks import PREFIX, HookApp  # noqa: E402
from retailhub.live import LiveConsumer  # noqa: E402

websocket_application = AllowedHostsOriginValidator(
    AuthMiddlewareStack(URLRouter([path("ws/live/", LiveConsumer.as_asgi())]))
)


class VersionedFiles(StaticFiles):
    """Files that a browser asks for once: one that changes has another address."""

    async def get_response(self, path: str, scope: Any) -> Response:
        """The file, to be kept for ever if it is the one that this address will always mean."""
        answer = await super().get_response(path, scope)
        is_ours = f"{STATIC_PREFIX}{scope['path_params']['version']}/" == settings.STATIC_URL
        # While somebody edits them, files change under an address that was made at the start.
        kept = is_ours and not settings.DEBUG
        answer.headers["Cache-Control"] = KEPT_FOR_EVER if kept else "no-cache"
        return answer


# Files are served from where they lie: no build step, no copy, no view in between.
STATIC_PREFIX = "/static/"
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
static_files = VersionedFiles(
    directory=settings.BASE_DIR / "static",
    packages=[("django.contrib.admin", "static"), ("rest_framework", "static")],
)
static_application = Starlette(
    routes=[Mount(STATIC_PREFIX + "{version}", static_files)],
    middleware=[Middleware(GZipMiddleware)],
)


class Application:
    """Sends each connection to the part that serves it."""

    def __init__(self) -> None:
        self._hooks: HookApp | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await websocket_application(scope, receive, send)
        elif scope["path"].startswith(STATIC_PREFIX):
            await static_application(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            # Made on first use: it belongs to the running event loop.
            self._hooks = self._hooks or HookApp()
            await self._hooks(scope, receive, send)
        else:
            await django_application(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            if message["type"] == "lifespan.shutdown":
                if self._hooks is not None:
                    await self._hooks.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Application()
