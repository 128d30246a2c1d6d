"""ShipBob's hooks: which topics there are for returns, and which return one is about."""

import msgspec

from connectors.shipbob import wire
from hub.sdk import Hint, Hook, SnapshotKey

HEADER = "webhook-signature"
# What was updated is not told when it is completed, and the other way round; all are hints alike.
TOPICS = frozenset({"return.created", "return.updated", "return.completed"})


def hints(hook: Hook) -> tuple[Hint, ...]:
    """Return the hint of a verified hook; a topic that is none of returns has none. Raises ValueError."""
    if not hook.headers.get("x-webhook-topic", "return.").startswith("return."):
        return ()
    told = msgspec.json.decode(hook.body, type=wire.HookBody)
    identity = hook.headers.get("webhook-id")
    if not identity:
        raise ValueError("the hook has no webhook-id")
    return (Hint(key=identity[:300], about=SnapshotKey(reference=str(told.id))),)
