import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
import redis
from django.conf import settings
from django.test import Client

from connectors.models import Connection
from retailhub.api import throttling
from tests.api.conftest import Caller, make_key


@pytest.fixture(autouse=True)
def _fresh_memory() -> Iterator[None]:
    throttling._local.clear()
    throttling._redis_rests_until = 0.0
    yield
    throttling._local.clear()
    throttling._redis_rests_until = 0.0


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(throttling, "_script", lambda: gone.register_script(throttling._TAKE))


@pytest.fixture
def patient_redis(monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """However slow the machine is, Redis is not taken for gone."""
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL, max_connections=32, timeout=120, socket_timeout=60
    )
    client = redis.Redis(connection_pool=pool)
    script = client.register_script(throttling._TAKE)
    monkeypatch.setattr(throttling, "_script", lambda: script)
    return client


@pytest.mark.usefixtures("patient_redis")
def test_two_hundred_at_once_never_exceed_the_limit() -> None:
    caller = f"test:{uuid.uuid4()}"

    with ThreadPoolExecutor(200) as clients:
        turns = list(clients.map(lambda _: throttling.take_turn(caller, 50), range(1000)))

    assert sum(turn.is_granted for turn in turns) == 50
    assert sorted(t.remaining for t in turns if t.is_granted) == list(range(50))


def test_two_hundred_at_once_never_exceed_the_local_limit(no_redis: None) -> None:
    with ThreadPoolExecutor(200) as clients:
        turns = list(clients.map(lambda _: throttling.take_turn("test", 80), range(1000)))

    assert sum(turn.is_granted for turn in turns) == 80 // throttling.LOCAL_SHARE


def test_a_call_is_forgotten_a_minute_after_it_was_made(patient_redis: redis.Redis) -> None:
    caller = f"test:{uuid.uuid4()}"

    first = [throttling.take_turn(caller, 2).is_granted for _ in range(3)]
    refused = throttling.take_turn(caller, 2)
    made_earlier(patient_redis, caller, refused.reset_seconds)
    again = [throttling.take_turn(caller, 2).is_granted for _ in range(3)]

    assert first == [True, True, False]
    assert 0 < refused.reset_seconds <= 60
    assert again[0]


def made_earlier(client: redis.Redis, caller: str, seconds: float) -> None:
    """Let so much time have passed since the calls of `caller`."""
    key = f"retailhub:api:{caller}"
    calls = [int(at) for at in cast("list[bytes]", client.lrange(key, 0, -1))]
    client.delete(key)
    client.rpush(key, *(str(at - round(seconds * 1_000_000)) for at in calls))


def test_leaves_redis_alone_for_a_while_after_it_failed(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "REDIS_REST_SECONDS", 60.0)
    throttling.take_turn("test", 40)

    def never() -> Any:
        raise AssertionError("asked again")

    monkeypatch.setattr(throttling, "_script", never)

    assert throttling.take_turn("test", 40).is_granted


def test_strangers_without_end_fill_no_memory(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "MOST_LOCAL_CALLERS", 50)

    turns = [throttling.take_turn(f"address:{n}", 600) for n in range(200)]

    assert len(throttling._local) <= 51
    assert not turns[-1].is_granted


def test_tells_what_is_left_and_when_to_come_back(caller: Caller, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2

    answers = [caller.get("orders") for _ in range(3)]

    assert [a.status_code for a in answers] == [200, 200, 429]
    assert [a["RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert answers[2]["RateLimit-Limit"] == "2"
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert answers[2].json()["code"] == "api.throttled"


def test_a_wrong_scope_is_no_way_around(client: Client, shop: Connection, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    caller = Caller(client, make_key(shop, "cases:read").plain)

    assert [caller.get("orders").status_code for _ in range(3)] == [403, 403, 429]


@pytest.mark.parametrize("plain", ["", "rh_" + "0" * 12 + "_" + "0" * 64])
def test_those_without_a_key_are_limited_by_address(
    client: Client, db: None, settings: Any, plain: str
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 20
    stranger = Caller(client, plain)

    assert [stranger.get("orders").status_code for _ in range(3)] == [401, 401, 429]


def test_answers_while_redis_is_away(caller: Caller, no_redis: None, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 8

    statuses = [caller.get("orders").status_code for _ in range(4)]

    assert statuses == [200, 200, 429, 429]
