"""Money moves once in the beta v2.1 too, where each line is handled by a request of its own."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine.answers import decode
from connectors.channelengine.beta_wire import BetaReturn
from connectors.channelengine.handling import left_to_do
from hub.sdk import (
    Absent,
    Context,
    Done,
    Effect,
    Interrupted,
    Kind,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Retry,
    Sent,
    Settlement,
    SettlementLine,
)
from hub.sdk.context import NotSent, Uncertain
from tests.support.beta import beta_return, line
from tests.support.channelengine import ENGINE, HTML, Script, answer, page, settlement
from tests.support.description import require_documented

FAULTS = ["none", "never sent", "busy", "lost before", "lost after", "page for people"]


class BetaVendor:
    """Returns of the beta, handled unit by unit; requests get lost before and after they did their work."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(faults)
        self.refunded = 0
        self.returns = [beta_return(line(5, 2), line(6, 1, sku="B"))]

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        del headers
        path = url.partition("/api")[2]
        require_documented(method, path, params or [], json.loads(body or b"null"), endpoint)
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "never sent":
            raise NotSent(fault)
        if fault == "lost before":
            raise Uncertain(fault)
        if fault == "busy":
            return answer(429)
        told = self.handle(method, path, json.loads(body or b"{}"))
        if fault == "lost after":
            raise Uncertain(fault)
        return HTML if fault == "page for people" else told

    def handle(self, method: str, path: str, body: dict[str, Any]) -> Sent:
        if method == "GET":
            named = path.rpartition("/")[2]
            found = [told for told in self.returns if str(told["Id"]) == named]
            return answer(Content=found[0]) if found else page(*self.returns)
        model = body["Model"]
        return self.act(model) if path.endswith("/handle") else self.create(model)

    def create(self, model: dict[str, Any]) -> Sent:
        lines = [line(int(each["OrderLineIdentifier"]), each["Quantity"]) for each in model["Lines"]]
        self.returns.append(beta_return(*lines, Id=80, MerchantReturnNo=model["MerchantReturnNo"]))
        return answer(201)

    def act(self, model: dict[str, Any]) -> Sent:
        told = next(each for each in self.returns if str(each["Id"]) == model["ReturnIdentifier"])
        chosen = next(each for each in told["Lines"] if str(each["Id"]) == model["ReturnLineIdentifier"])
        handled = sum(result["Quantity"] for result in chosen["HandlingResults"])
        if handled + model["Quantity"] > chosen["Quantity"]:
            return answer(400)
        chosen["HandlingResults"].append({"Quantity": model["Quantity"], "Action": model["Action"]})
        self.refunded += model["Quantity"] if model["Action"] == "REFUND" else 0
        return answer(201)


@pytest.mark.parametrize("kind", Kind)
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=14))
async def test_each_unit_is_refunded_once_whatever_fails(kind: Kind, faults: list[str]) -> None:
    beta = BetaVendor(faults)
    context: Context = Script().context(returns_api="v2.1")
    context = Context(http=beta, settings=context.settings, key="k", now=context.now, log=context.log)
    lines = tuple(
        SettlementLine(sku=sku, order_line=at, accepted=accepted, rejected=0, missing=missing)
        for sku, at, accepted, missing in (("A", "5", 1, 1), ("B", "6", 1, 0))
    )
    told = await obey(context, settlement(kind, lines=lines))
    assert isinstance(told, Done)
    assert beta.refunded == 2
    assert len(beta.returns) == (1 if kind is Kind.CHANNEL else 2)


async def obey(context: Context, message: Settlement) -> Outcome:
    looking = False
    for _ in range(80):
        try:
            if looking:
                told = await ENGINE.lookup(context, Effect.SETTLE, message)
            else:
                told = await ENGINE.settle(context, message)
        except Interrupted as fault:
            told = fault.outcome
        if not isinstance(told, Absent | OutcomeUnknown | Retry | RateLimited):
            return told
        looking = isinstance(told, OutcomeUnknown) or (looking and not isinstance(told, Absent))
    raise AssertionError("it never ends")


units = st.integers(0, 3)


@given(st.lists(st.tuples(units, units, units), min_size=1, max_size=4))
def test_what_is_left_to_do_leaves_no_unit_open_and_refunds_last(decided: list[tuple[int, int, int]]) -> None:
    lines = tuple(
        SettlementLine(sku="A", order_line=str(at), accepted=accepted, rejected=rejected, missing=missing)
        for at, (accepted, rejected, missing) in enumerate(decided, start=1)
    )
    told = beta_return(*(line(at, sum(amounts)) for at, amounts in enumerate(decided, start=1)))
    steps = left_to_do(decode(json.dumps(told).encode(), BetaReturn), settlement(Kind.CHANNEL, lines=lines))
    assert isinstance(steps, tuple)
    assert sum(step.quantity for step in steps if step.action == "REFUND") == sum(amounts[0] for amounts in decided)
    assert sum(step.quantity for step in steps) == sum(map(sum, decided))
    actions = [step.action for step in steps]
    assert actions == sorted(actions, key=["REJECT", "REFUND"].index)
