"""Does the ledger agree with the hub in every line? A pure comparison, and how it is shown."""

from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from hub.demo.plan import Case, Merchant
from hub.sdk.messages import Kind


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One account's returns of one kind; quantities are units, `refunds` are entries of the vendor's ledger."""

    account: str
    kind: str
    receiving: str
    returns: int
    received: int
    settled: int
    accepted: int
    rejected: int
    refunds: int
    differences: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run."""

    ok: bool
    seconds: float
    flows: tuple[Flow, ...]


FIGURES = ("returns", "received", "settled", "accepted", "rejected", "refunds", "differences")


def compare(merchant: Merchant, returns: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> tuple[Flow, ...]:
    """Compare what the hub says, what the vendor's ledger says and what the plan wants, line by line."""
    by_order = {each["order_number"]: each for each in returns}
    strangers = _strangers(returns, ledger)
    flows = []
    for kind in Kind:
        cases = [case for case in merchant.cases if case.kind is kind]
        extra = strangers if kind is Kind.CHANNEL else 0
        flows.append(_flow(merchant, kind, cases, by_order, ledger, extra))
    return tuple(flows)


def _strangers(returns: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> int:
    """Count refunds of returns that the hub does not know."""
    return len(ledger) - sum(len(_refunds(each, ledger)) for each in returns)


def _refunds(found: dict[str, Any], ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ledger's entries of one return; a channel return may be paid before the channel has our number."""
    number, theirs = found["number"], found["channel_return_number"]
    return [
        entry
        for entry in ledger
        if entry["merchant_return_no"] == number or (theirs and entry["channel_return_no"] == theirs)
    ]


def _flow(
    merchant: Merchant,
    kind: Kind,
    cases: list[Case],
    by_order: dict[str, Any],
    ledger: list[dict[str, Any]],
    extra: int,
) -> Flow:
    found = [by_order[case.order] for case in cases if case.order in by_order]
    lines = [line for each in found for line in each["lines"]]
    return Flow(
        account=merchant.name,
        kind=kind.value,
        receiving=merchant.receiving,
        returns=len(found),
        received=sum(each["finalised_at"] is not None for each in found),
        settled=sum(each["status"] == "completed" for each in found),
        accepted=sum(line["accepted"] for line in lines),
        rejected=sum(line["rejected"] for line in lines),
        refunds=sum(len(_refunds(each, ledger)) for each in found),
        differences=extra + sum(_differences(case, by_order.get(case.order), ledger) for case in cases),
    )


def _differences(case: Case, found: dict[str, Any] | None, ledger: list[dict[str, Any]]) -> int:
    if found is None:
        return len(case.story.wanted)
    entries = _refunds(found, ledger)
    paid: Counter[str] = Counter()
    for entry in entries:
        paid[entry["sku"]] += entry["quantity"]
    times = Counter(entry["sku"] for entry in entries)
    lines = {line["sku"]: line for line in found["lines"]}
    wrong = 0
    for wanted in case.story.wanted:
        line = lines.get(wanted.sku, {"accepted": -1, "rejected": -1, "settled": -1})
        seen = (line["accepted"], line["rejected"], line["settled"], paid[wanted.sku], times[wanted.sku])
        wrong += seen != (wanted.accepted, wanted.rejected, wanted.accepted, wanted.accepted, int(wanted.accepted > 0))
    unasked = len(set(paid) - {wanted.sku for wanted in case.story.wanted})
    return wrong + unasked + (0 if found["status"] == "completed" else 1)


def is_ok(flows: tuple[Flow, ...]) -> bool:
    """Say whether every return is settled and nothing differs."""
    return bool(flows) and all(flow.differences == 0 and flow.settled == flow.returns for flow in flows)


def show(report: Report, console: Console) -> None:
    """Print a row per account and kind."""
    verdict = "The ledger agrees in every line" if report.ok else "THE LEDGER DISAGREES"
    table = Table(title=f"{verdict}, {report.seconds:.1f} s", box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("account", no_wrap=True)
    for name in FIGURES:
        # Eighty columns hold all figures, and a narrow terminal breaks words rather than hides figures.
        table.add_column(name.replace("differences", "diff"), justify="right", overflow="fold")
    for flow in report.flows:
        label = f"{flow.account}\n{flow.kind} return\n[dim]{flow.receiving.replace('_', ' ')}[/dim]"
        table.add_row(label, *(str(getattr(flow, name)) for name in FIGURES))
    console.print(table)
