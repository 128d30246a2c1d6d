"""Who is told what, and when, as pure functions of data."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from hub.notices.messages import How, Listener, News

# When digests go out, in UTC: before Europe begins to work.
DIGEST_HOUR = 5


def heard(news: News, listeners: Iterable[Listener]) -> dict[Listener, How]:
    """Return one choice for each member who wants to hear this, the sooner one where two fit."""
    found: dict[object, Listener] = {}
    for each in listeners:
        if each.account_id == news.account_id and fits(each.subject, news.subject):
            before = found.get(each.membership_id)
            if before is None or each.how is How.IMMEDIATELY:
                found[each.membership_id] = each
    return {each: each.how for each in found.values()}


def fits(wanted: str, subject: str) -> bool:
    """Say whether a choice means a subject."""
    return subject.startswith(wanted[:-1]) if wanted.endswith(".*") else wanted == subject


def due(how: How, now: datetime) -> datetime:
    """Return when news is to be told: now, or with the next digest."""
    if how is How.IMMEDIATELY:
        return now
    today = datetime.combine(now.date(), time(DIGEST_HOUR), UTC)
    return today if today > now else today + timedelta(days=1)
