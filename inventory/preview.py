"""Which numbers would change if these were the rules? Counted exactly, up to a bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from inventory.availability import Rule, RuleBook
from inventory.models import Channel, Item
from inventory.selectors import read_shelf

CHUNK = 500  # items read at once
MOST_OFFERS = 10_000  # looked at; an operator waits for the answer
MOST_SHOWN = 20


@dataclass(frozen=True)
class Change:
    """One number that would change."""

    item_id: int
    channel_id: int
    before: int
    after: int


@dataclass
class Effect:
    """What would change among the `looked_at` offers of the `offers` that a rule can reach."""

    offers: int = 0
    looked_at: int = 0
    changed: int = 0
    to_zero: int = 0
    from_zero: int = 0
    sample: list[Change] = field(default_factory=list)

    def note(self, change: Change) -> None:
        """Count it; the first ones are shown."""
        self.looked_at += 1
        if change.before == change.after:
            return
        self.changed += 1
        self.to_zero += change.after == 0
        self.from_zero += change.before == 0
        if len(self.sample) < MOST_SHOWN:
            self.sample.append(change)


def effect_of(
    *, before: RuleBook, after: RuleBook, touched: Sequence[Rule], at: datetime
) -> Effect:
    """Compare every offer that the `touched` rules can reach; the sum is the one that publishes."""
    items, channels = _reach(touched)
    effect = Effect(offers=len(items) * len(channels))
    ids = iter(items[: MOST_OFFERS // max(len(channels), 1)])
    while chunk := list(islice(ids, CHUNK)):
        for change in _compared(chunk, channels, before, after, at):
            effect.note(change)
    return effect


def _reach(touched: Sequence[Rule]) -> tuple[list[int], list[int]]:
    """Items and channels that any of the rules names, directly or by naming nothing."""
    items = Item.objects.filter(is_active=True).order_by("sku")
    if all(rule.item_id or rule.category for rule in touched):
        named = {rule.item_id for rule in touched if rule.item_id}
        kinds = {rule.category for rule in touched if rule.category}
        items = items.filter(pk__in=named) | items.filter(category__in=kinds)
    channels = Channel.objects.order_by("name", "pk")
    if all(rule.channel_id for rule in touched):
        channels = channels.filter(pk__in={rule.channel_id for rule in touched})
    return list(items.values_list("pk", flat=True)), list(channels.values_list("pk", flat=True))


def _compared(
    item_ids: list[int], channel_ids: list[int], before: RuleBook, after: RuleBook, at: datetime
) -> Iterator[Change]:
    if not channel_ids:
        return
    shelf = read_shelf(item_ids=item_ids, channel_ids=channel_ids)
    now, then = shelf.ask(before, at=at), shelf.ask(after, at=at)
    for (item_id, channel_id), found in now.items():
        if channel_id is not None:
            yield Change(item_id, channel_id, found.quantity, then[item_id, channel_id].quantity)
