"""Two installations may share a Redis by its databases. Neither hears what changed at the other."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from retailhub import settings as module


def test_a_frame_stays_within_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = _layer("db=11", monkeypatch), _layer("db=12", monkeypatch)

    async def told() -> list[str]:
        heard = []
        for layer in (ours, theirs):
            name = await layer.new_channel()
            await layer.group_add("cases", name)
            heard.append((layer, name))
        for layer, word in ((ours, "ours"), (theirs, "theirs")):
            await layer.group_send("cases", {"word": word})
        words = [(await asyncio.wait_for(layer.receive(name), 60))["word"] for layer, name in heard]
        for layer in (ours, theirs):
            await layer.flush()
        return words

    assert asyncio.run(told()) == ["ours", "theirs"]


def _layer(database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    place = settings.REDIS_URL.partition("?")[0]
    monkeypatch.setenv("REDIS_URL", f"{place}?{database}")
    config = runpy.run_path(str(Path(module.__file__)))["CHANNEL_LAYERS"]["default"]["CONFIG"]
    return RedisPubSubChannelLayer(**config)
