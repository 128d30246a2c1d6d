"""What a policy says to what arrived: pure."""

import msgspec

from hub.sdk.receiving import Condition, Disposition, Grade
from tenants.policies.rules import Evidence, Rules, Unchecked


class Verdict(msgspec.Struct, frozen=True):
    """Whether a part is accepted, and by which rule; `code` is how the merchant calls that rejection.

    `asks` says that a person has to look at it, whatever the verdict.
    """

    accepted: bool
    rule: str
    code: str | None = None
    asks: bool = False


def judge(
    rules: Rules, grade: Grade | None, condition: Condition, disposition: Disposition = Disposition.PENDING
) -> Verdict:
    """Accept a part whose grade the policy accepts, unless it rejects its condition or its disposition.

    What stayed in a closed parcel has no grade: it is accepted where the policy settles it unchecked.
    """
    asks = condition in rules.ask_conditions
    if grade is None:
        return Verdict(accepted=rules.unchecked is Unchecked.SETTLE, rule="the parcel stayed closed", asks=asks)
    if condition in rules.reject_conditions:
        code = rules.rejection_codes.get(condition.value)
        return Verdict(accepted=False, rule=f"condition {condition.value} is rejected", code=code, asks=asks)
    if disposition in rules.reject_dispositions:
        code = rules.rejection_codes.get(disposition.value)
        return Verdict(accepted=False, rule=f"disposition {disposition.value} is rejected", code=code, asks=asks)
    if grade not in rules.accept_grades:
        code = rules.rejection_codes.get("grade")
        return Verdict(accepted=False, rule=f"grade {grade.value} is not accepted", code=code, asks=asks)
    return Verdict(accepted=True, rule=f"grade {grade.value} is accepted", asks=asks)


def lacking(evidence: Evidence, note: str | None, photos: int) -> str | None:
    """Say what a rejection lacks to be shown to anybody, if it lacks something."""
    if evidence.note and not (note or "").strip():
        return "a note"
    if photos < evidence.photos:
        return f"{evidence.photos - photos} more of its photos" if photos else f"{evidence.photos} photos"
    return None
