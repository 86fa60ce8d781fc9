"""Every route, for every kind of caller."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connectors.models import ApiKey, Connection, InboundMessage
from connectors.services.api_keys import Scope, switch_off
from exceptions.models import BulkScope, Cause, ExceptionCase, ReplayRun
from inventory.models import Item, Location, Reservation, SnapshotRun, StockLevel
from orders.models import Order
from retailhub.api.urls import urlpatterns
from tests.api.conftest import NOW, Caller, body_of, make_key, soon

ROUTES = {
    "v1/orders": ("orders", Scope.ORDERS_READ),
    "v1/orders/<path:reference>": ("orders/{order}", Scope.ORDERS_READ),
    "v1/orders/<path:reference>/timeline": ("orders/{order}/timeline", Scope.ORDERS_READ),
    "v1/messages/<int:message_id>": ("messages/{message}", Scope.ORDERS_WRITE),
    "v1/cases": ("cases", Scope.CASES_READ),
    "v1/cases/<int:case_id>": ("cases/{case}", Scope.CASES_READ),
    "v1/causes": ("causes", Scope.CASES_READ),
    "v1/availability": ("availability?sku=MUG", Scope.STOCK_READ),
    "v1/availability/told": ("availability/told?sku=MUG&channel=webshop", Scope.STOCK_READ),
    "v1/items/<path:sku>/movements": ("items/MUG/movements", Scope.STOCK_READ),
    "v1/stock-snapshots/<int:snapshot_id>": ("stock-snapshots/{snapshot}", Scope.STOCK_WRITE),
    "v1/messages/<int:message_id>/try": ("messages/{message}/try", Scope.REPLAYS_READ),
    "v1/replays": ("replays", Scope.REPLAYS_READ),
    "v1/replays/<int:run_id>": ("replays/{run}", Scope.REPLAYS_READ),
    "v1/reservations/<str:reference>": ("reservations/basket", Scope.STOCK_RESERVE),
}
# Operations that only write: what they are sent, and the scope they want.
HELD = {"reference": "basket", "lines": [{"sku": "MUG", "quantity": 1}]}
WRITES = {
    "v1/reservations": ("reservations", HELD, Scope.STOCK_RESERVE),
    "v1/reservations/<str:reference>/commit": (
        "reservations/basket/commit",
        None,
        Scope.STOCK_RESERVE,
    ),
    "v1/reservations/<str:reference>/release": (
        "reservations/basket/release",
        None,
        Scope.STOCK_RESERVE,
    ),
    "v1/reservations/<str:reference>/transfer": (
        "reservations/basket/transfer",
        {"to_reference": "basket-2"},
        Scope.STOCK_RESERVE,
    ),
}
EACH_WRITE = pytest.mark.parametrize(("path", "body", "scope"), WRITES.values(), ids=[*WRITES])
# Only posted to as well; test_replays.py and test_case_acts.py ask who may.
POSTED = {"v1/replays/<int:run_id>/<slug:verb>", "v1/cases/<int:case_id>/<slug:verb>"}
LISTS = ("orders", "cases", "causes", "replays")
# What lies on the shelves is the house's; only what a channel was told is that channel's.
SHARED = ("availability?sku=MUG", "items/MUG/movements")
EACH = pytest.mark.parametrize(
    ("path", "scope"), ROUTES.values(), ids=[p for p, _ in ROUTES.values()]
)


@pytest.fixture
def names(caller: Caller, shop: Connection, make_order: Callable[..., Order]) -> dict[str, str]:
    """One row of each kind, of the caller's connection."""
    order = make_order("A-1")
    message_id = caller.place(body_of(), "k-1").json()["message_id"]
    berlin = Location.objects.create(code="BERLIN", name="Berlin")
    StockLevel.objects.create(item=Item.objects.get(sku="MUG"), location=berlin, on_hand=5)
    assert caller.write("reservations", HELD, key="names").status_code == 201
    cause = Cause.objects.create(
        fingerprint=uuid.uuid4().hex, code="x", title="x", first_seen_at=NOW, last_seen_at=NOW
    )
    case = ExceptionCase.objects.create(
        cause=cause,
        code="orders.x",
        title="x",
        severity=2,
        connection=shop,
        order=order,
        state="NEW",
        opened_at=NOW,
        due_at=soon(),
    )
    snapshot = SnapshotRun.objects.create(
        source=shop.slug, key="k", size=0, body_sha256=b"", counted_at=NOW
    )
    run = run_of(case, ApiKey.objects.get(connection=shop))
    ids = {"message": message_id, "case": case.pk, "run": run.pk, "snapshot": snapshot.pk}
    return {"order": order.reference, **{name: str(pk) for name, pk in ids.items()}}


def run_of(case: ExceptionCase, key: ApiKey) -> ReplayRun:
    """A replay that a key of the connection began."""
    scope = BulkScope.objects.create(
        api_key=key, case_ids=[case.pk], snapshot_max_id=case.pk, expires_at=soon()
    )
    return ReplayRun.objects.create(
        title="Replay 1 order", scope=scope, api_key=key, wave=1, allowed=1, plan={"per_second": 20}
    )


def test_no_route_is_forgotten_here() -> None:
    # Nothing can be read at the address that takes files: see test_snapshots.py.
    left_out = {None, "schema", "snapshots"}
    served = {str(route.pattern) for route in urlpatterns if route.name not in left_out}

    assert served == set(ROUTES) | set(WRITES) | POSTED


@EACH_WRITE
def test_writes_with_a_key_and_its_scope_only(
    client: Client, shop: Connection, names: dict[str, str], path: str, body: Any, scope: Scope
) -> None:
    reader = Caller(client, make_key(shop, *(set(Scope) - {scope})).plain)
    writer = Caller(client, make_key(shop, scope).plain)
    before = list(Reservation.objects.order_by("pk").values())

    assert Caller(client).write(path, body).status_code == 401
    assert reader.write(path, body).status_code == 403
    assert list(Reservation.objects.order_by("pk").values()) == before
    assert writer.write(path, body, key="w").status_code in {200, 201}


@EACH_WRITE
def test_writes_to_its_own_only(
    stranger: Caller, names: dict[str, str], path: str, body: Any, scope: Scope
) -> None:
    before = list(Reservation.objects.order_by("pk").values())

    answer = stranger.write(path, body)

    # Another shop's basket of the same name is another basket.
    assert answer.status_code == (201 if path == "reservations" else 404)
    kept = Reservation.objects.filter(reference__startswith="webshop/").order_by("pk").values()
    assert list(kept) == before


@EACH
def test_shows_a_connection_its_own(
    caller: Caller, names: dict[str, str], path: str, scope: Scope
) -> None:
    answer = caller.get(path.format(**names))

    assert answer.status_code == 200
    assert path not in LISTS or len(answer.json()["results"]) == 1


@EACH
def test_hides_what_belongs_to_another_connection(
    stranger: Caller, names: dict[str, str], path: str, scope: Scope
) -> None:
    answer = stranger.get(path.format(**names))

    if path in SHARED:
        assert answer.status_code == 200
        assert answer.json().get("channel") in {None, "outlet"}
    elif path in LISTS:
        assert (answer.status_code, answer.json()["results"]) == (200, [])
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, "api.not_found")


@EACH
def test_wants_a_key(client: Client, names: dict[str, str], path: str, scope: Scope) -> None:
    answer = Caller(client).get(path.format(**names))

    assert (answer.status_code, answer.json()["code"]) == (401, "api.unauthenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="RetailHub"'
    assert answer["Content-Type"] == "application/problem+json"


@EACH
def test_wants_the_scope(
    client: Client, shop: Connection, names: dict[str, str], path: str, scope: Scope
) -> None:
    others = set(Scope) - {scope}
    if path == "messages/{message}":  # whoever reads orders may ask for their messages, too
        others -= {Scope.ORDERS_READ}

    refused = Caller(client, make_key(shop, *others).plain).get(path.format(**names))
    granted = Caller(client, make_key(shop, scope).plain).get(path.format(**names))

    assert (refused.status_code, refused.json()["code"]) == (403, "api.forbidden")
    assert granted.status_code == 200


def test_placing_an_order_wants_a_key_and_its_scope(client: Client, shop: Connection) -> None:
    reader = Caller(client, make_key(shop, Scope.ORDERS_READ, Scope.CASES_READ).plain)

    assert Caller(client).place(body_of(), "k").status_code == 401
    assert reader.place(body_of(), "k").status_code == 403
    assert not InboundMessage.objects.exists()


def _expired(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def _switched_off(key: ApiKey) -> None:
    switch_off(key_id=key.pk)


def _connection_off(key: ApiKey) -> None:
    Connection.objects.filter(pk=key.connection_id).update(is_active=False)


@pytest.mark.parametrize("end", [_expired, _switched_off, _connection_off])
def test_a_key_ends(client: Client, shop: Connection, end: Callable[[ApiKey], None]) -> None:
    issued = make_key(shop)
    caller = Caller(client, issued.plain)
    before = caller.get("orders")

    end(issued.row)

    assert (before.status_code, caller.get("orders").status_code) == (200, 401)
    assert caller.place(body_of(), "k").status_code == 401


def test_every_wrong_key_gets_the_same_words(client: Client, shop: Connection) -> None:
    plain = make_key(shop).plain
    flipped = plain[:-1] + ("0" if plain[-1] != "0" else "1")
    unknown = "rh_" + "0" * 12 + plain[15:]
    short = plain[:-1]

    told = {Caller(client, key).get("orders").json()["detail"] for key in (flipped, unknown, short)}

    assert told == {"The key is unknown, expired or switched off."}


def test_keeps_no_key_in_clear(shop: Connection) -> None:
    issued = make_key(shop)
    secret = issued.plain.rpartition("_")[2]

    kept = repr(list(ApiKey.objects.values())) + repr(list(ApiKey.history.values()))

    assert secret not in kept
    assert issued.row.digest not in repr(list(ApiKey.history.values()))


def test_notes_a_keys_use_at_most_once_a_minute(caller: Caller, shop: Connection) -> None:
    caller.get("orders")
    first = ApiKey.objects.get().last_used_at

    caller.get("orders")
    second = ApiKey.objects.get().last_used_at
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    caller.get("orders")
    third = ApiKey.objects.get().last_used_at

    assert first is not None
    assert second == first
    assert third is not None
    assert third > first


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/orders", "/api/v1/orders/"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_an_address_that_leads_nowhere_says_so_in_json(
    client: Client, path: str, method: str
) -> None:
    answer = getattr(client, method)(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "api.not_found"


def test_a_method_that_is_not_there_says_so(caller: Caller) -> None:
    answer = caller.client.delete("/api/v1/orders", headers=caller.headers)

    assert (answer.status_code, answer.json()["code"]) == (405, "api.method_not_allowed")


def test_our_own_mistake_tells_nothing_but_a_trace_id(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("retailhub.api.orders.page_of", broken)

    answer = caller.get("orders")

    assert (answer.status_code, answer.json()["code"]) == (500, "api.unexpected")
    assert "secret detail" not in answer.content.decode()
    assert answer.json()["trace_id"]
    assert "RuntimeError" in caplog.text
