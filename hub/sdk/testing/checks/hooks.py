"""Hooks: who made them is proven, and what they say is a hint."""

import json
from typing import Any

import msgspec

from hub.sdk import Capability, Hint, Hook, Hooks, Manifest, Secret, Subscription
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, rule

URL = "https://hub.example.com/hooks/1"


def has_hooks(manifest: Manifest) -> bool:
    """Say whether the vendor calls at all."""
    return manifest.warehousing is not None and manifest.warehousing.hooks is not Hooks.NONE


def are_signed(manifest: Manifest) -> bool:
    """Say whether a call proves its every byte."""
    return manifest.warehousing is not None and manifest.warehousing.hooks is Hooks.SIGNED


async def _heard(bench: Bench) -> list[Hook]:
    """Let the vendor call for a return that was announced and received in two pieces."""
    if bench.can(Capability.SUBSCRIBE):
        await bench.result("subscribe", Subscription(name="kit", url=URL))
    message = await bench.announced(("SHOE", 2))
    for _ in range(2):
        await bench.later(minutes=1)
        await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    told = await bench.outbox()
    require(told, "the sandbox sent no hook, so that nothing can be proven")
    return [_hook(bench, each) for each in told]


def _hook(bench: Bench, told: dict[str, Any]) -> Hook:
    headers = {name.lower(): value for name, value in told["headers"].items()}
    return Hook(headers=headers, body=told["body"].encode(), now=bench.now)


@rule(Tier.SILVER, "A hook of the vendor is accepted, with the secret of today and with the one before",
      applies=has_hooks)  # fmt: skip
async def genuine_hooks(bench: Bench) -> None:
    """Verify what the sandbox sent, also after its secret was replaced."""
    for hook in await _heard(bench):
        require(bench.connector.verify(bench.settings, hook), "a hook that the vendor signed is refused")
    names = [name for name in bench.settings.__struct_fields__ if "hook" in name and name.startswith("former")]
    if names:
        moved = {names[0]: bench.settings.hook_secret, "hook_secret": Secret("another-secret-of-the-kit")}
        later = msgspec.structs.replace(bench.settings, **moved)
        require(bench.connector.verify(later, hook), "after a rotation, a hook with the secret before it is refused")


@rule(Tier.SILVER, "A hook without proof is refused: unsigned, forged, or with another secret", applies=has_hooks)
async def unproven_hooks(bench: Bench) -> None:
    """Take the proof away, change it, and use a stranger's."""
    hook = (await _heard(bench))[0]
    header = (bench.manifest.warehousing.header or "").lower() if bench.manifest.warehousing else ""
    proof = hook.headers.get(header, "")
    require(proof, f"the sandbox's hooks have no header {header!r}")
    without = {name: value for name, value in hook.headers.items() if name != header}
    forged = proof[:-4] + ("AAA=" if not proof.endswith("AAA=") else "BBB=")
    cases = {
        "without its header": msgspec.structs.replace(hook, headers=without),
        "with an empty header": msgspec.structs.replace(hook, headers={**hook.headers, header: ""}),
        "with a forged header": msgspec.structs.replace(hook, headers={**hook.headers, header: forged}),
        "with half a header": msgspec.structs.replace(hook, headers={**hook.headers, header: proof[: len(proof) // 2]}),
        "with a header that is no text of its kind": msgspec.structs.replace(
            hook, headers={**hook.headers, header: "\u00e9?!"}
        ),
    }
    for told, case in cases.items():
        require(not _verify(bench, case), f"a hook {told} is accepted")
    names = [name for name in bench.settings.__struct_fields__ if "hook" in name]
    others = {name: Secret("a-secret-that-signed-nothing") for name in names}
    stranger = msgspec.structs.replace(bench.settings, **others)
    require(not bench.connector.verify(stranger, hook), "a hook that another secret signed is accepted")


@rule(Tier.SILVER, "A signature is over the raw bytes: one byte more, less or otherwise is refused", applies=are_signed)
async def raw_bytes(bench: Bench) -> None:
    """Change the body in ways that leave its meaning as it is."""
    hook = (await _heard(bench))[0]
    said = json.loads(hook.body)
    bodies = {
        "with a space before it": b" " + hook.body,
        "with a line feed after it": hook.body + b"\n",
        "written anew": json.dumps(said, indent=1).encode(),
        "with its keys in another order": json.dumps(dict(reversed(said.items()))).encode(),
        "of another return": hook.body.replace(b"1", b"2", 1),
        "that is empty": b"",
    }
    for told, body in bodies.items():
        if body != hook.body:
            case = msgspec.structs.replace(hook, body=body)
            require(not _verify(bench, case), f"a body {told} is accepted")


def _verify(bench: Bench, hook: Hook) -> bool:
    try:
        return bench.connector.verify(bench.settings, hook) is not False
    except Exception as fault:
        msg = f"verify raised {type(fault).__name__} where it answers False"
        raise AssertionError(msg) from fault


@rule(Tier.SILVER, "The same event has the same key, another event another one, and both name their return",
      applies=has_hooks)  # fmt: skip
async def hints(bench: Bench) -> None:
    """Parse every hook twice, and follow what it names."""
    hooks = await _heard(bench)
    by_key: dict[str, set[bytes]] = {}
    for hook in hooks:
        told = bench.connector.parse(hook)
        require(told == bench.connector.parse(hook), "a repeated delivery has another key than the first")
        for hint in told:
            require(isinstance(hint, Hint), "parse gives something that is no Hint")
            by_key.setdefault(hint.key, set()).add(hook.body)
            await bench.result("snapshot", hint.about)
    require(by_key, "none of the vendor's hooks is about a return")
    mixed = [key for key, bodies in by_key.items() if len(bodies) > 1]
    require(not mixed, "two different events have one key, so that the second would be dropped")


@rule(Tier.SILVER, "A body that nobody can read raises ValueError, and nothing else", applies=has_hooks)
async def unreadable_hooks(bench: Bench) -> None:
    """Parse what is no event."""
    hook = (await _heard(bench))[0]
    for body in (b"", b"null", b"[]", b"{}", b"<html>", b'{"event": 1}', b"\xff\xfe"):
        try:
            bench.connector.parse(msgspec.structs.replace(hook, body=body))
        except ValueError:
            continue
        except Exception as fault:
            msg = f"parse raised {type(fault).__name__} for {body!r}, where it raises ValueError"
            raise AssertionError(msg) from fault


def registers(manifest: Manifest) -> bool:
    """Say whether hooks are registered by the hub, and not by a person in the vendor's pages."""
    return has_hooks(manifest) and Capability.SUBSCRIBE in manifest.capabilities


@rule(Tier.PLATINUM, "It registers its hooks once, and puts right what the vendor switched off", applies=registers)
async def subscriptions(bench: Bench) -> None:
    """Register twice, and see that the second changes nothing."""
    wanted = Subscription(name="kit", url=URL)
    await bench.result("subscribe", wanted)
    before = len([each for each in bench.wire.sent if each.writes])
    again = await bench.result("subscribe", wanted)
    after = len([each for each in bench.wire.sent if each.writes])
    require(before == after, "registering again makes hooks again")
    require(again.repaired is None, f"nothing was wrong, and it says that it repaired: {again.repaired}")
