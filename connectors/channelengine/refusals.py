"""Which settled returns a marketplace refused afterwards.

A v2 return shows nothing of its export to the marketplace: only a notification does, and it names its return in words
alone. Which one it is, the filters of the list of notifications tell.
"""

from connectors.channelengine.answers import shown
from connectors.channelengine.asking import Notices, Round, notices, to_ask
from connectors.channelengine.client import Params, TooMany, secret
from connectors.channelengine.values import moment, text, timestamp
from connectors.channelengine.watching import Watch
from connectors.channelengine.wire import Notice
from hub.sdk import Context, Done, Outcome, Refusal, Refusals, ReturnKey

# The types of 2.19.0 that say that a marketplace did not take a return or its refund.
TYPES = ("CHANNEL_RETURN_EXPORT_FAILED", "CHANNEL_REFUND_EXPORT_FAILED", "CHANNEL_REFUND_LINE_ITEMS_ERROR")


async def refusals(context: Context, cursor: str | None, watched: tuple[ReturnKey, ...]) -> Outcome:
    """Read what was refused since the cursor; whose a notice is gets asked only when there is a new one."""
    watch = Watch.begin(cursor, context.now)
    if not watched:
        return _told(watch.rested(frozenset(), context.now))
    try:
        listed = await notices(context, _chosen(watch))
    except TooMany:
        context.log.warning("channelengine_notices_too_many", since=timestamp(watch.since))
        return _told(watch.narrowed(context.now), more=True)
    watch = watch.listed(frozenset(_telling(listed)), context.now)
    if not watch.asking:
        return _told(watch.rested(frozenset(), context.now))
    asked = Round(context, _chosen(watch), watch.asking - watch.explained, watch.upto)
    over = await asked.ask(to_ask(watched, watch.upto))
    explained = frozenset(str(notice.id) for _, notice in asked.found)
    following = watch.rested(explained, context.now) if over else watch.answered(explained, asked.upto)
    return _told(following, *(_refusal(context, *each) for each in asked.found), more=not over)


def _chosen(watch: Watch) -> Params:
    return [*(("types", each) for each in TYPES), ("fromDate", timestamp(watch.since))]


def _telling(listed: Notices) -> set[str]:
    """Return the notices that really say so, should the filter of their types be ignored."""
    return {key for key, notice in listed.items() if notice.type in {*TYPES, None}}


def _refusal(context: Context, return_number: str, notice: Notice) -> Refusal:
    said = text(notice.message) or text(notice.subject) or "The marketplace did not take it, and gave no reason."
    return Refusal(
        key=str(notice.id),
        return_number=return_number,
        message=shown(said, secret(context)),
        at=moment(notice.created_at) or context.now,
    )


def _told(following: Watch, *found: Refusal, more: bool = False) -> Done[Refusals]:
    return Done(Refusals(found, following.cursor, more=more))
