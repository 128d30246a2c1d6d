"""Explain returns that were read, in the caller's transaction."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hub.kit import clock
from hub.returns.messages import ReturnView, StoredReturn
from hub.returns.service import view
from hub.why import engine, queries
from hub.why.messages import ExplainedReturn, Explanation, RuledDeadline


async def why(found: Sequence[StoredReturn]) -> dict[UUID, Explanation]:
    """Return why returns stand where they stand, by their ids; one query for all of them."""
    facts = await queries.facts(found, clock.now())
    return {return_id: engine.explain(each) for return_id, each in facts.items()}


async def explained(found: Sequence[StoredReturn], *, to_partner: bool = False) -> list[ExplainedReturn]:
    """Return returns as the API shows them, with deadlines and reasons; one query for all of them.

    A partner is told what is its own part; the account's connections, policies and money are not its to know.
    """
    facts = await queries.facts(found, clock.now())
    explain = engine.explain_to_partner if to_partner else engine.explain
    return [_explained(view(each), engine.ruled(facts[each.id]), explain(facts[each.id])) for each in found]


def _explained(seen: ReturnView, deadlines: tuple[RuledDeadline, ...], why: Explanation) -> ExplainedReturn:
    return ExplainedReturn(**msgspec.structs.asdict(seen), deadlines=deadlines, why=why)
