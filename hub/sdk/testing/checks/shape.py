"""Whether the package, the manifest and the settings are what the hub expects."""

from typing import get_args, get_type_hints

import msgspec

from hub.sdk import Secret, contract
from hub.sdk.fields import form
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, everybodys, rule

FILES = ("__init__.py", "connector.py", "settings.py", "wire.py", "README.md")
SECRET = ("key", "secret", "password", "token", "passphrase")


@rule(Tier.BRONZE, "The package has the files that every connector has", applies=everybodys)
async def files(bench: Bench) -> None:
    """See that each is there, and that the README says something."""
    folder = bench.specimen.folder
    missing = [name for name in FILES if not (folder / name).is_file()]
    require(not missing, f"{', '.join(missing)} is missing in {folder.name}")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    require(len(readme.split()) >= 60, "the README tells less than sixty words to the person who connects it")  # noqa: PLR2004 - the sentence says it


@rule(Tier.BRONZE, "Manifest and methods agree, and whatever writes can be looked up or repeated", applies=everybodys)
async def manifest(bench: Bench) -> None:
    """Ask the inspection that the loader asks."""
    problems = contract.problems(bench.connector)
    require(not problems, " ".join(problems))


@rule(Tier.BRONZE, "Every setting says what it is, and every secret is one", applies=everybodys)
async def settings(bench: Bench) -> None:
    """See that the form can be made, and that nothing secret is shown in it."""
    struct = bench.manifest.settings
    fields = form(struct)["properties"]
    for name, field in fields.items():
        flat = field | {key: value for each in field.get("anyOf", []) for key, value in each.items()}
        require(flat.get("title") and flat.get("description"), f"the setting {name!r} has no title and description")
    hints = get_type_hints(struct)
    open_ones = [
        name
        for name, kind in hints.items()
        if name.lower().endswith(SECRET) and kind is not Secret and Secret not in get_args(kind)
    ]
    require(not open_ones, f"the setting {open_ones and open_ones[0]!r} is a secret and no hub.sdk.Secret")
    require(not any(isinstance(each.default, str) and Secret in get_args(hints[each.name]) for each in
                    msgspec.structs.fields(struct)), "a secret has a default")  # fmt: skip


@rule(Tier.BRONZE, "A login that works is told from one that does not")
async def check(bench: Bench) -> None:
    """Check the sandbox with its settings, and with each secret of the login wrong."""
    await bench.result("check")
    wrong = {
        name: Secret("wrong-but-long-enough-to-pass")
        for name in bench.settings.__struct_fields__
        if isinstance(getattr(bench.settings, name), Secret) and "hook" not in name
    }
    outcome = await bench.call("check", settings=msgspec.structs.replace(bench.settings, **wrong))
    require(
        type(outcome).__name__ in {"ActionRequired", "Refused"},
        f"with a wrong login, check answers {type(outcome).__name__} and not ActionRequired",
    )
