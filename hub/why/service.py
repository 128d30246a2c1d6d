"""Explain returns that were read, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.kit import clock
from hub.returns.messages import ReturnView, StoredReturn
from hub.returns.service import view
from hub.why import engine, queries
from hub.why.messages import ExplainedReturn, Explanation, Facts


async def why(found: Sequence[StoredReturn]) -> dict[UUID, Explanation]:
    """Return why returns stand where they stand, by their ids; one query for all of them."""
    facts = await queries.facts(found, clock.now())
    return {return_id: engine.explain(each) for return_id, each in facts.items()}


async def explained(found: Sequence[StoredReturn]) -> list[ExplainedReturn]:
    """Return returns as the API shows them, with deadlines and reasons; one query for all of them."""
    facts = await queries.facts(found, clock.now())
    return [_explained(view(each), facts[each.id]) for each in found]


def _explained(seen: ReturnView, known: Facts) -> ExplainedReturn:
    fields: dict[str, Any] = {name: getattr(seen, name) for name in ReturnView.__struct_fields__}
    return ExplainedReturn(**fields, deadlines=known.deadlines, why=engine.explain(known))
