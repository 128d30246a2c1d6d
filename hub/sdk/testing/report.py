"""What the kit saw, what the connector claims, and the tier that follows."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from hub.sdk.testing.rules import RULES, Rule, Tier
from hub.sdk.testing.specimen import Specimen

FILE = "quality.toml"


class Status(StrEnum):
    """What came of a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    DOES_NOT_APPLY = "does not apply"


class Result(NamedTuple):
    """What came of one rule, and how it is broken."""

    rule: Rule
    status: Status
    why: str = ""


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `quality.toml` says: the tier, and in a sentence each why a rule does not apply or is not kept yet."""

    tier: str
    does_not_apply: dict[str, str] = {}
    to_do: dict[str, str] = {}


class Report(NamedTuple):
    """Everything that was seen of one connector."""

    name: str
    title: str
    results: tuple[Result, ...]
    claim: Claim | None
    problems: tuple[str, ...]

    @classmethod
    def of(cls, specimen: Specimen, results: tuple[Result, ...]) -> Self:
        """Hold what was seen against what is claimed."""
        manifest = specimen.connector.manifest
        claim, problems = _claimed(specimen.folder / FILE)
        made = cls(manifest.name, manifest.title, results, claim, ())
        if claim is not None:
            problems += made._differences(claim)
        return made._replace(problems=tuple(problems))

    @property
    def tier(self) -> Tier:
        """The highest tier of which no rule is broken, nor of any below; the kit has not every tier for every kind."""
        highest = max((result.rule.tier for result in self.results), default=Tier.NONE)
        broken = [result.rule.tier for result in self.results if result.status is Status.BROKEN]
        return Tier(min([highest, *(tier - 1 for tier in broken)]))

    @property
    def ok(self) -> bool:
        """Whether it keeps what it claims."""
        return not self.problems and self.tier >= max(Tier.BRONZE, _tier(self.claim))

    @property
    def broken(self) -> list[str]:
        """The names of the rules that are broken."""
        return [result.rule.name for result in self.results if result.status is Status.BROKEN]

    def _differences(self, claim: Claim) -> list[str]:
        seen = {result.rule.name: result.status for result in self.results}
        found = [f"{FILE} names the rule {name!r}, which there is not" for name in _named(claim) if name not in RULES]
        if claim.tier.upper() not in Tier.__members__:
            return [*found, f"{FILE} claims the tier {claim.tier!r}; there are bronze, silver, gold and platinum"]
        if _tier(claim) > self.tier:
            found.append(f"{FILE} claims {claim.tier}, and the kit saw {self.tier.name.lower()}")
        for name, status in seen.items():
            if status is Status.DOES_NOT_APPLY and name not in claim.does_not_apply:
                found.append(f"{name} does not apply, and {FILE} does not say why")
            if status is not Status.DOES_NOT_APPLY and name in claim.does_not_apply:
                found.append(f"{FILE} says that {name} does not apply, and it does")
            if status is Status.KEPT and name in claim.to_do:
                found.append(f"{FILE} still has {name} to do, and it is kept")
        short = [name for name, why in (*claim.does_not_apply.items(), *claim.to_do.items()) if len(why.split()) < 3]  # noqa: PLR2004 - a sentence
        return found + [f"{FILE} gives no reason for {name}" for name in short]

    def as_text(self) -> str:
        """Return the report as a person reads it."""
        lines = [f"{self.title} ({self.name})", ""]
        for tier in list(Tier)[1:]:
            of = [result for result in self.results if result.rule.tier is tier]
            if not of:
                continue
            counts = Counter(result.status for result in of)
            told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
            lines.append(f"{tier.name.lower()}: {told}")
            lines += [f"  {MARKS[result.status]} {result.rule.name}: {_said(result)}" for result in of]
        lines += ["", *(f"  ✗ {problem}" for problem in self.problems)]
        reached = self.tier.name.lower() if self.tier else "no tier"
        claimed = f", claims {self.claim.tier}" if self.claim else ""
        return "\n".join([*lines, f"It reaches {reached}{claimed}. {'Good.' if self.ok else 'Not good yet.'}"])

    def as_json(self) -> str:
        """Return the report as one JSON object."""
        told: dict[str, Any] = {
            "connector": self.name,
            "ok": self.ok,
            "tier": self.tier.name.lower(),
            "claims": self.claim.tier if self.claim else None,
            "problems": list(self.problems),
            "rules": [
                {"rule": each.rule.name, "tier": each.rule.tier.name.lower(), "status": each.status, "why": each.why}
                for each in self.results
            ],
        }
        return msgspec.json.encode(told).decode()


MARKS = {Status.KEPT: "✓", Status.BROKEN: "✗", Status.DOES_NOT_APPLY: "·"}


def _said(result: Result) -> str:
    return result.why if result.status is Status.BROKEN else f"{result.rule.promise}."


def _named(claim: Claim) -> list[str]:
    return [*claim.does_not_apply, *claim.to_do]


def _tier(claim: Claim | None) -> Tier:
    return Tier.__members__.get(claim.tier.upper(), Tier.NONE) if claim else Tier.NONE


def _claimed(path: Path) -> tuple[Claim | None, list[str]]:
    if not path.is_file():
        return None, [f"there is no {FILE} that says which tier the connector claims"]
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Claim), []
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return None, [f"{FILE} cannot be read: {fault}"]
