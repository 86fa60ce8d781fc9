"""What one may do with an item: push a number again, stop and go on publishing, ask for a count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from exceptions.buttons import Button
from exceptions.services.recount import ask_recount
from inventory.models import Channel, ChannelOffer, Item, Publication, StockLevel
from inventory.services.pause_offer import pause_offer, resume_offer
from inventory.services.tell_again import tell_again
from inventory.telling import Mode
from retailhub.console.inventory.addresses import item_href
from retailhub.console.inventory.offers import Standing, visible_channels
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number


def buttons_of(
    user: Any, item: Item, chosen: Standing | None, levels: Sequence[StockLevel]
) -> list[Button]:
    """What this person may press; what can't be pressed now says why."""
    buttons = []
    if chosen is not None and may(user, Ability.PUSH_STOCK):
        why_not = _why_not(chosen)
        url = _url("push", item, chosen.channel)
        buttons.append(Button("push", "Push again", "", url, disabled_reason=why_not))
    if levels and may(user, Ability.PUSH_STOCK):
        buttons.append(_recount(item, levels))
    if chosen is not None and may(user, Ability.PAUSE_STOCK):
        buttons.append(_pause(item, chosen))
    return buttons


def _why_not(chosen: Standing) -> str:
    if chosen.offer.paused_at is not None:
        return f"{chosen.channel.name} is paused for this item. Resume it first."
    if chosen.channel.publish_mode == Mode.OFF:
        return f"{chosen.channel.name} is told no stock. An admin can switch that on."
    return ""


def _recount(item: Item, levels: Sequence[StockLevel]) -> Button:
    nodes = [(str(level.pk), level.location.name) for level in levels]
    fields = [
        {"name": "level", "label": "Node", "kind": "select", "required": True, "options": nodes},
        {
            "name": "reason",
            "label": "Why",
            "kind": "text",
            "required": True,
            "placeholder": "The customer got an empty box",
        },
    ]
    hint = "The node's team gets a case. It closes by itself when the count comes in."
    url = reverse("item-recount", args=[item.pk])
    return Button("recount", "Ask for a recount", "", url, fields=fields, hint=hint)


def _pause(item: Item, chosen: Standing) -> Button:
    name = chosen.channel.name
    if chosen.offer.paused_at is not None:
        url = _url("resume", item, chosen.channel)
        return Button("resume", "Resume publishing", "", url, primary=True)
    shown = "" if chosen.told is None else f" It goes on showing {chosen.told}."
    return Button(
        "pause",
        "Pause publishing",
        "",
        _url("pause", item, chosen.channel),
        fields=[
            {
                "name": "reason",
                "label": "Reason",
                "kind": "text",
                "required": True,
                "placeholder": "Recall: not to be sold",
            }
        ],
        hint=f"{name} is told nothing more about {item.sku} until it is resumed.{shown}",
    )


def _url(verb: str, item: Item, channel: Channel) -> str:
    return f"{reverse(f'item-{verb}', args=[item.pk])}?{urlencode({'channel': channel.code})}"


@require_POST
def item_push(request: HttpRequest, item_id: int) -> HttpResponse:
    """Tell a channel its number again, whatever it was told before."""
    item, channel = _asked(request, item_id)
    _check(request, Ability.PUSH_STOCK, "Needs a role at the desk to push a number.")
    tell_again(reason=Publication.Reason.PUSH, channel_id=channel.pk, item_ids=[item.pk])
    return _back(request, item, channel, f"{channel.name} is told the number again.")


@require_POST
def item_pause(request: HttpRequest, item_id: int) -> HttpResponse:
    """Tell a channel nothing more about an item, for a reason."""
    item, channel = _asked(request, item_id)
    _check(request, Ability.PAUSE_STOCK, "Needs the lead role to pause publishing.")
    reason = plain(request.POST.get("reason", ""))
    if not reason:
        messages.error(request, "Say why it is paused, so that the next person knows.")
        return HttpResponseRedirect(_address(item, channel), status=303)
    now = timezone.now()
    pause_offer(channel_id=channel.pk, item_id=item.pk, reason=reason, now=now)
    said = f"Paused: {channel.name} is told nothing more about {item.sku}."
    return _back(request, item, channel, said)


@require_POST
def item_resume(request: HttpRequest, item_id: int) -> HttpResponse:
    """Go on, with the number as it is now."""
    item, channel = _asked(request, item_id)
    _check(request, Ability.PAUSE_STOCK, "Needs the lead role to resume publishing.")
    get_object_or_404(ChannelOffer, channel=channel, item=item)
    resume_offer(channel_id=channel.pk, item_id=item.pk)
    said = f"Resumed: {channel.name} is told how {item.sku} stands now."
    return _back(request, item, channel, said)


@require_POST
def item_recount(request: HttpRequest, item_id: int) -> HttpResponse:
    """Ask the team of a node to count the shelf."""
    item = get_object_or_404(Item, pk=item_id)
    _check(request, Ability.PUSH_STOCK, "Needs a role at the desk to ask for a recount.")
    number = whole_number(request.POST.get("level", "")) or 0
    level = get_object_or_404(StockLevel.objects.select_related("location"), pk=number, item=item)
    reason = plain(request.POST.get("reason", ""))
    if not reason:
        messages.error(request, "Say why you doubt the number, so that they know what to look for.")
        return HttpResponseRedirect(_address(item, None), status=303)
    case = ask_recount(
        level_id=level.pk, actor_id=int(request.user.pk or 0), reason=reason, now=timezone.now()
    )
    team = case.team.name if case.team else "nobody's team yet"
    said = f"Asked: {team} has a case to count {item.sku} at {level.location.name}."
    return _back(request, item, None, said)


def _asked(request: HttpRequest, item_id: int) -> tuple[Item, Channel]:
    code = request.GET.get("channel", "")
    channel = get_object_or_404(visible_channels(request.user), code=code.replace("\x00", ""))
    return get_object_or_404(Item, pk=item_id), channel


def _check(request: HttpRequest, ability: Ability, told: str) -> None:
    if not may(request.user, ability):
        raise PermissionDenied(told)


def _back(request: HttpRequest, item: Item, channel: Channel | None, said: str) -> HttpResponse:
    messages.info(request, said)
    return HttpResponseRedirect(_address(item, channel), status=303)


def _address(item: Item, channel: Channel | None) -> str:
    href = item_href(item.sku, item.pk)
    return f"{href}?{urlencode({'channel': channel.code})}" if channel else href
