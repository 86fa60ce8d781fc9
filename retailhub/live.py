"""Tell browsers what changed (topic, entity, version), never how it looks.

Frames are hints read from rows: a page that missed some asks `/live/since`. Protocol: `sub` in;
`ok`, `ch`, `many`, `hb` out. A tab also says which case it has open (`look` in), and hears who else
has (`who` out).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Max, Q
from django.db.models.functions import Now
from django.utils import timezone

from exceptions.presence import Company, company_at
from exceptions.services import presence
from retailhub.bell import GROUP
from retailhub.hints import MANY, MOST_NAMED
from retailhub.models import LiveEvent
from retailhub.people import zone_of

TOPICS = frozenset({"queue", "orders", "connections", "replays", "stock"})
COALESCE_SECONDS = 0.5
HEARTBEAT_SECONDS = 25.0
LATEST_COMMIT = timedelta(seconds=10)
SIGNED_OUT = 4401


def newest_sequences(topics: Iterable[str]) -> dict[str, int]:
    """The newest sequence per topic; 0 where nothing has happened."""
    wanted = list(topics)
    rows = LiveEvent.objects.filter(topic__in=wanted).values("topic").annotate(newest=Max("id"))
    found = {row["topic"]: row["newest"] for row in rows.order_by("topic")}
    return {topic: found.get(topic, 0) for topic in wanted}


def changes_since(topic: str, sequence: int) -> tuple[int, list[list[Any]] | None]:
    """What changed after `sequence`, newest word per entity; None when it can't be listed."""
    oldest = LiveEvent.objects.order_by("id").values_list("id", flat=True).first() or 1
    if sequence < oldest - 1:  # some of it is forgotten
        return max(newest_sequences([topic])[topic], oldest - 1), None
    # Numbers are given before the commit: one that came late is lower than what was told already.
    is_late = Q(id__gt=sequence - MOST_NAMED, at__gt=Now() - LATEST_COMMIT)
    found = LiveEvent.objects.filter(Q(id__gt=sequence) | is_late, topic=topic)
    rows = list(found.order_by("id")[: MOST_NAMED * 4])
    if not rows:
        return sequence, []
    latest = {row.entity: row for row in rows}
    if MANY in latest or len(latest) > MOST_NAMED or len(rows) == MOST_NAMED * 4:
        return newest_sequences([topic])[topic], None
    items = [[row.entity, row.version, row.verb] for row in latest.values()]
    return max(rows[-1].pk, sequence), items


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One browser tab."""

    async def connect(self) -> None:
        """Only people who are signed in listen."""
        self._seen: dict[str, int] = {}
        self._due: set[str] = set()
        self._tab = uuid4()
        self._open: tuple[int, bool] | None = None
        self._company: Company | None = None  # what the tab was told last
        self._jobs: list[asyncio.Task[None]] = []
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(code=SIGNED_OUT)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        self._jobs = [asyncio.create_task(self._beat()), asyncio.create_task(self._tell())]

    async def disconnect(self, code: int) -> None:
        """Let go of everything that belongs to the tab."""
        for job in self._jobs:
            job.cancel()
        with contextlib.suppress(Exception):
            await self.channel_layer.group_discard(GROUP, self.channel_name)
            await self._leave()

    async def receive_json(self, content: Any, **_: Any) -> None:
        """`{"t": "sub", "topics": [...], "since": {topic: seq}}` or
        `{"t": "look", "case": 7, "edit": false}`; everything else is ignored.
        """
        read = {"sub": self._subscribe, "look": self._look}
        if isinstance(content, dict) and (name := str(content.get("t"))) in read:
            await read[name](content)

    async def _subscribe(self, content: dict[str, Any]) -> None:
        topics = [t for t in content.get("topics", []) if t in TOPICS]
        newest = await _in_thread(newest_sequences, topics)
        since = content.get("since") or {}
        for topic in topics:
            asked = since.get(topic)
            self._seen[topic] = asked if isinstance(asked, int) else newest[topic]
            self._due.add(topic)
        await self.send_json({"t": "ok", "topics": newest})

    async def live_look(self, message: dict[str, Any]) -> None:
        """Somebody committed a change."""
        if message["topic"] in self._seen:
            self._due.add(message["topic"])

    async def _look(self, content: dict[str, Any]) -> None:
        await self._leave()
        case_id = content.get("case")
        if isinstance(case_id, int) and 0 < case_id < 2**63:
            self._open = case_id, content.get("edit") is True
            await self.channel_layer.group_add(_group_of(case_id), self.channel_name)
            if await self._renew():
                await self._ask_who(case_id)

    async def _leave(self) -> None:
        if self._open is None:
            return
        case_id, self._open, self._company = self._open[0], None, None
        await self.channel_layer.group_discard(_group_of(case_id), self.channel_name)
        await _in_thread(_look_away, self._tab)
        await self._ask_who(case_id)

    async def _renew(self) -> bool:
        """Say again what is open here. False when it may not be seen any more."""
        if self._open is None:
            return False
        case_id, is_editing = self._open
        if await _in_thread(_look_at, self._tab, self.scope["user"].pk, case_id, is_editing):
            return True
        await self._leave()
        return False

    async def _ask_who(self, case_id: int) -> None:
        message = {"type": "live.who", "case": case_id}
        await self.channel_layer.group_send(_group_of(case_id), message)

    async def live_who(self, message: dict[str, Any]) -> None:
        """Somebody came to a case or left it."""
        if self._open is None or self._open[0] != message["case"]:
            return
        company = await _in_thread(_company_at, message["case"], self.scope["user"].pk)
        if company != self._company:
            self._company = company
            topic, words = f"case-{message['case']}", company.text
            await self.send_json(
                {"t": "who", "topic": topic, "text": words, "edited": company.is_edited}
            )

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(COALESCE_SECONDS)
            due, self._due = self._due, set()
            for topic in due:
                sequence, items = await _in_thread(changes_since, topic, self._seen[topic])
                if items == []:
                    continue
                self._seen[topic] = sequence
                if items is None:
                    await self.send_json({"t": "many", "topic": topic, "seq": sequence})
                else:
                    await self.send_json(
                        {"t": "ch", "topic": topic, "seq": sequence, "items": items}
                    )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if not await _in_thread(
                _may_listen, self.scope["session"].session_key, self.scope["user"].pk
            ):
                await self.close(code=SIGNED_OUT)
                return
            self._due |= set(self._seen)
            # Those who died without a word are missed here.
            if self._open is not None and await self._renew():
                await self.live_who({"case": self._open[0]})
            await self.send_json({"t": "hb", "seq": self._seen})


def _may_listen(session_key: str, user_id: int) -> bool:
    is_active = get_user_model().objects.filter(pk=user_id, is_active=True).exists()
    return is_active and Session.objects.filter(session_key=session_key).exists()


def _group_of(case_id: int) -> str:
    return f"case.{case_id}"


def _look_at(tab: UUID, person_id: int, case_id: int, is_editing: bool) -> bool:
    found = presence.look_at(
        tab=tab, person_id=person_id, case_id=case_id, is_editing=is_editing, now=timezone.now()
    )
    return found is not None


def _look_away(tab: UUID) -> None:
    presence.look_away(tab=tab)


def _company_at(case_id: int, user_id: int) -> Company:
    user = get_user_model().objects.get(pk=user_id)
    with timezone.override(zone_of(user)):
        return company_at(case_id, user=user, now=timezone.now())


async def _in_thread(read: Any, *arguments: Any) -> Any:
    def run() -> Any:
        try:
            return read(*arguments)
        finally:
            connection.close()

    return await sync_to_async(run, thread_sensitive=False)()
