"""Which address of the API leads where. Everything else below `/api/` is a problem document."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from retailhub.api.availability import ShowAvailability
from retailhub.api.case_acts import ActOnCase
from retailhub.api.cases import ListCases, ShowCase
from retailhub.api.causes import ListCauses
from retailhub.api.messages import ShowMessage
from retailhub.api.movements import ListMovements
from retailhub.api.orders import ListOrders, ShowOrder
from retailhub.api.place_order import PlaceOrder
from retailhub.api.replays import Replays, ShowReplay, SteerReplay, TryMessage
from retailhub.api.reservations import (
    CommitReservation,
    HoldStock,
    MoveReservation,
    ReleaseReservation,
    ShowReservation,
)
from retailhub.api.said import ShowTold
from retailhub.api.snapshots import SendSnapshot, ShowSnapshot
from retailhub.api.timeline import ShowTimeline
from retailhub.api.view import Nothing

app_name = "api"


class Orders(ListOrders, PlaceOrder):
    """Both operations of one address."""


urlpatterns = [
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/orders", Orders.as_view(), name="orders"),
    # A shop's own ids may hold slashes, and a reference ends with one of them.
    path("v1/orders/<path:reference>/timeline", ShowTimeline.as_view(), name="timeline"),
    path("v1/orders/<path:reference>", ShowOrder.as_view(), name="order"),
    path("v1/messages/<int:message_id>", ShowMessage.as_view(), name="message"),
    path("v1/cases", ListCases.as_view(), name="cases"),
    path("v1/cases/<int:case_id>", ShowCase.as_view(), name="case"),
    path("v1/cases/<int:case_id>/<slug:verb>", ActOnCase.as_view(), name="case-act"),
    path("v1/causes", ListCauses.as_view(), name="causes"),
    path("v1/messages/<int:message_id>/try", TryMessage.as_view(), name="try"),
    path("v1/replays", Replays.as_view(), name="replays"),
    path("v1/replays/<int:run_id>", ShowReplay.as_view(), name="replay"),
    path("v1/replays/<int:run_id>/<slug:verb>", SteerReplay.as_view(), name="steer"),
    path("v1/availability", ShowAvailability.as_view(), name="availability"),
    path("v1/availability/told", ShowTold.as_view(), name="told"),
    path("v1/items/<path:sku>/movements", ListMovements.as_view(), name="movements"),
    path("v1/stock-snapshots", SendSnapshot.as_view(), name="snapshots"),
    path("v1/stock-snapshots/<int:snapshot_id>", ShowSnapshot.as_view(), name="snapshot"),
    path("v1/reservations", HoldStock.as_view(), name="reservations"),
    path("v1/reservations/<str:reference>", ShowReservation.as_view(), name="reservation"),
    path("v1/reservations/<str:reference>/commit", CommitReservation.as_view(), name="commit"),
    path("v1/reservations/<str:reference>/release", ReleaseReservation.as_view(), name="release"),
    path("v1/reservations/<str:reference>/transfer", MoveReservation.as_view(), name="transfer"),
    re_path(r"^", Nothing.as_view()),
]
