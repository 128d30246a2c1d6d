"""How things stand with one tenant beside its orders and returns; changed only by `apply`."""

from typing import TypeVar

from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.manners import manner_by_itself
from connectors.channelengine.sandbox.tenancy import Deed, Manner, Mishap, Switches, Upon, Violation, Webhook

Kept = TypeVar("Kept")


class Terms:
    """The key, manners, balances, switches, webhooks and plans of one tenant, and what it did wrong."""

    def __init__(self) -> None:
        self.key = ""
        self.switches = Switches()
        self.manners: dict[str, Manner] = {}
        self.too_low: set[str] = set()
        self.mishaps: dict[int, Mishap] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.deeds: dict[int, Deed] = {}
        self.told: set[str] = set()
        self.violations: list[Violation] = []
        self.last_mishap = 0
        self.last_deed = 0

    def apply(self, change: Change) -> None:
        """Fold one change in; it has been judged already and cannot fail."""
        self.key = change.key if change.key is not None else self.key
        self.switches = change.switches or self.switches
        _put(self.manners, change.manners)
        _put(self.webhooks, change.webhooks)
        for name, sufficient in change.balances:
            (self.too_low.discard if sufficient else self.too_low.add)(name)
        for mishap in change.mishaps:
            self._plan(mishap)
        for deed in change.deeds:
            self.deeds[deed.number] = deed
            self.last_deed = max(self.last_deed, deed.number)
        for number in change.done:
            self.deeds.pop(number, None)
        self.told.update(change.told)
        self.violations = [*(() if change.pardoned else self.violations), *change.violations]

    def manner(self, marketplace: str) -> Manner:
        """Return how a marketplace treats this tenant's returns."""
        return self.manners.get(marketplace.casefold()) or manner_by_itself(marketplace)

    def balance_suffices(self, marketplace: str) -> bool:
        """Say whether the shop can pay refunds at a marketplace; it can until somebody says otherwise."""
        return marketplace.casefold() not in self.too_low

    def mishap(self, return_id: int, marketplace: str) -> Mishap | None:
        """Return the plan by which this export fails, the oldest first, or None."""
        fitting = (
            mishap
            for mishap in self.mishaps.values()
            if mishap.return_id in (None, return_id) and mishap.marketplace in (None, marketplace.casefold())
        )
        return next(fitting, None)

    def waiting_for(self, upon: Upon, return_id: int) -> list[Deed]:
        """Return what happens just when the merchant does this to that return, or should have happened before."""
        moments = {upon, "acknowledge"}
        return [deed for deed in self.deeds.values() if deed.upon in moments and deed.subject == return_id]

    def _plan(self, mishap: Mishap) -> None:
        self.last_mishap = max(self.last_mishap, mishap.number)
        if mishap.times:
            self.mishaps[mishap.number] = mishap
        else:
            self.mishaps.pop(mishap.number, None)


def _put(known: dict[str, Kept], changes: tuple[tuple[str, Kept | None], ...]) -> None:
    for name, value in changes:
        if value is None:
            known.pop(name, None)
        else:
            known[name] = value
