"""Everything in `plugins.toml` is right, or the hub does not start: one sentence per problem, all at once."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from hub.plugins.loader import load
from hub.plugins.messages import PluginsWrong
from hub.sdk import Connector
from tenants.vendors import Limits

ROOT = Path(__file__).parents[3]
_numbers = count(1)

HEAD = """
import msgspec
from hub.sdk import Capability, Connector, Done, Effect, Manifest, hookimpl

class Settings(msgspec.Struct):
    address: str
"""
GOOD = (
    HEAD
    + """
class Good(Connector):
    manifest = Manifest(
        name="good", title="Good", version="1", settings=Settings,
        capabilities=frozenset({Capability.CHECK, Capability.SETTLE, Capability.LOOKUP}),
    )
    async def check(self, context): ...
    async def settle(self, context, message): ...
    async def lookup(self, context, effect, message): ...

@hookimpl
def hub_connectors():
    return [Good()]
"""
)

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a plugin's module under a name of its own and return the name."""
    monkeypatch.syspath_prepend(tmp_path)

    def module(source: str, *changes: tuple[str, str]) -> str:
        name = f"made_up_plugin_{next(_numbers)}"
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        (tmp_path / f"{name}.py").write_text(dedent(source), encoding="utf-8")
        return name

    return module


def file(folder: Path, text: str) -> Path:
    path = folder / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    return path


def naming(folder: Path, *modules: str) -> Path:
    return file(folder, "\n".join(f'[plugins.p{place}]\nmodule = "{name}"' for place, name in enumerate(modules, 1)))


def problems(path: Path) -> list[str]:
    with pytest.raises(PluginsWrong) as caught:
        load(path)
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert all(line.endswith(".") and "\n" not in line for line in caught.value.problems), caught.value.problems
    return caught.value.problems


def test_the_shipped_file_loads() -> None:
    registry = load(ROOT / "plugins.toml")
    assert set(registry.connectors) == {"channelengine", "monta", "picqer"}
    assert registry.limits["channelengine"] == Limits(concurrency=8, timeout_seconds=20.0)
    assert registry.pages["warehouse_app"]
    assert registry.pages["channelengine"] == []


def test_a_good_plugin_gives_its_connectors_pages_and_limits(tmp_path: Path, write: Write) -> None:
    module = write(GOOD + "\n@hookimpl\ndef hub_pages():\n    return ['a page']\n")
    table = 'concurrency = 2\ntimeout_seconds = 5\nhosts = ["*.example.com"]\npoll_every_seconds = 60'
    registry = load(file(tmp_path, f'[plugins.mine]\nmodule = "{module}"\n{table}'))
    assert isinstance(registry.connectors["good"], Connector)
    assert registry.pages == {"mine": ["a page"]}
    assert registry.limits == {
        "good": Limits(concurrency=2, timeout_seconds=5.0, hosts=("*.example.com",), poll_every_seconds=60.0)
    }
    assert [connector.manifest.name for (connector,) in registry.hooks.hub_connectors()] == ["good"]


def test_no_plugin_at_all_is_allowed(tmp_path: Path) -> None:
    assert load(file(tmp_path, "[plugins]")).connectors == {}


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    (told,) = problems(tmp_path / "gone.toml")
    assert told == f"There is no {tmp_path / 'gone.toml'}; HUB_PLUGINS says where the file is."


@pytest.mark.parametrize(
    "text", ["module = ", "[plugins", "[plugins.a]\nx = 1\n[plugins.a]\nx = 2", "other = 1\n[plugins]", ""]
)
def test_a_file_that_is_no_list_of_plugins_cannot_be_read(tmp_path: Path, text: str) -> None:
    (told,) = problems(file(tmp_path, text))
    assert told.startswith(f"{tmp_path / 'plugins.toml'} cannot be read: ")


def test_a_file_of_other_bytes_or_a_folder_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "plugins.toml"
    path.write_bytes(b"\xff\xfe[plugins]")
    assert "cannot be read" in problems(path)[0]
    assert "cannot be read" in problems(tmp_path)[0]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ('module = "x"\nconcurency = 3', "concurency"),
        ("", "module"),
        ("module = 3", "module"),
        ('module = ""', "module"),
        ('module = "x"\nconcurrency = 0', "concurrency"),
        ('module = "x"\nconcurrency = 101', "concurrency"),
        ('module = "x"\ntimeout_seconds = 31', "timeout_seconds"),
        ('module = "x"\ntimeout_seconds = 0', "timeout_seconds"),
        ('module = "x"\npoll_every_seconds = 0.5', "poll_every_seconds"),
        ('module = "x"\nhosts = "example.com"', "hosts"),
    ],
)
def test_a_wrong_table_is_named_with_its_key(tmp_path: Path, table: str, word: str) -> None:
    (told,) = problems(file(tmp_path, f"[plugins.mine]\n{table}"))
    assert told.startswith("[plugins.mine] is wrong: ")
    assert word in told


def test_a_plugin_that_is_no_table_is_wrong(tmp_path: Path) -> None:
    (told,) = problems(file(tmp_path, '[plugins]\nmine = "x"'))
    assert told.startswith("[plugins.mine] is wrong: ")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("def broken(:", "SyntaxError"),
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("raise ValueError('first\\nsecond')", "ValueError: first; second."),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_reason(
    tmp_path: Path, write: Write, source: str, reason: str
) -> None:
    module = write(source)
    (told,) = problems(naming(tmp_path, module))
    assert told.startswith(f"[plugins.p1] {module} cannot be imported: {reason}")


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problems(naming(tmp_path, "no.such.module")) == [
        "[plugins.p1] no.such.module cannot be imported: ModuleNotFoundError: No module named 'no'."
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("def hub_connectors()", "def hub_conectors()"), "hub_conectors"),
        (("def hub_connectors()", "def hub_connectors(account)"), "Argument(s) {'account'} are declared"),
    ],
)
def test_a_hook_that_the_hub_does_not_call_is_refused(
    tmp_path: Path, write: Write, change: tuple[str, str], reason: str
) -> None:
    module = write(GOOD, change)
    (told,) = problems(naming(tmp_path, module))
    assert told.startswith(f"[plugins.p1] {module} does not fit the hooks: ")
    assert reason in told


def test_a_module_without_any_hook_is_refused(tmp_path: Path, write: Write) -> None:
    unmarked = write(GOOD, ("@hookimpl\n", ""))
    assert problems(naming(tmp_path, unmarked)) == [f"[plugins.p1] {unmarked} implements no hook."]


def test_only_what_is_marked_as_a_hook_is_asked(tmp_path: Path, write: Write) -> None:
    pages = "\n@hookimpl\ndef hub_pages():\n    return ['a page']\n"
    registry = load(naming(tmp_path, write(GOOD + pages, ("@hookimpl\ndef hub_connectors", "def hub_connectors"))))
    assert (set(registry.connectors), registry.pages) == (set(), {"p1": ["a page"]})


def test_a_hook_may_have_a_name_of_its_own(tmp_path: Path, write: Write) -> None:
    named = ("@hookimpl\ndef hub_connectors", "@hookimpl(specname='hub_connectors')\ndef connectors")
    assert set(load(naming(tmp_path, write(GOOD, named))).connectors) == {"good"}


def test_one_module_under_two_names_is_refused(tmp_path: Path, write: Write) -> None:
    module = write(GOOD)
    (told,) = problems(naming(tmp_path, module, module))
    assert told.startswith(f"[plugins.p2] {module} does not fit the hooks: ")


# the contract of connectors -----------------------------------------------------------------------------

CASES = [
    (
        ("    async def settle(self, context, message): ...\n", ""),
        ["The connector 'good' declares 'settle' and has no such method."],
    ),
    (
        ("Capability.CHECK, ", ""),
        ["The connector 'good' has a method 'check' that it does not declare."],
    ),
    (
        ("async def check", "def check"),
        ["The connector 'good' has a method 'check' that is not 'async def'."],
    ),
    (
        ('version="1",', 'version="1", contract=99,'),
        ["The connector 'good' was written for contract 99; this hub has contract 1."],
    ),
    (
        ("class Settings(msgspec.Struct):", "class Settings:"),
        ["The connector 'good' has settings that are no msgspec.Struct."],
    ),
    (
        (", Capability.LOOKUP", ""),
        [
            "The connector 'good' has a method 'lookup' that it does not declare.",
            "The connector 'good' can 'settle' but neither declares it repeatable nor can look up what happened.",
        ],
    ),
    (
        ("Capability.LOOKUP})", '"setle", Capability.LOOKUP})'),
        ["The connector 'good' declares 'setle', which is no capability."],
    ),
    (
        ("[Good()]", "[Good]"),
        ["type is no connector: it needs hub.sdk.Connector as base and a manifest."],
    ),
    (
        ("class Good(Connector)", "class Good"),
        ["Good is no connector: it needs hub.sdk.Connector as base and a manifest."],
    ),
    (
        ("    manifest = ", "    description = "),
        ["Good is no connector: it needs hub.sdk.Connector as base and a manifest."],
    ),
    (
        ("return [Good()]", "raise LookupError('no network')"),
        ["[plugins.p1] hub_connectors failed: LookupError: no network."],
    ),
    (
        ("return [Good()]", "return None"),
        ["[plugins.p1] hub_connectors failed: TypeError: 'NoneType' object is not iterable."],
    ),
]


@pytest.mark.parametrize(("change", "told"), CASES)
def test_a_connector_that_breaks_the_contract_is_told_so(
    tmp_path: Path, write: Write, change: tuple[str, str], told: list[str]
) -> None:
    assert problems(naming(tmp_path, write(GOOD, change))) == told


@pytest.mark.parametrize("kind", ["complex", "'Nowhere'", "Custom"])
def test_settings_that_make_no_form_are_refused(tmp_path: Path, write: Write, kind: str) -> None:
    source = GOOD.replace("class Settings", "class Custom:\n    pass\n\nclass Settings")
    (told,) = problems(naming(tmp_path, write(source, ("address: str", f"address: {kind}"))))
    assert told.startswith("The connector 'good' has settings that make no form: ")


@pytest.mark.parametrize("effect", ["acknowledge", "announce", "withdraw", "settle"])
def test_an_effect_needs_a_look_up_or_must_be_repeatable(tmp_path: Path, write: Write, effect: str) -> None:
    source = (
        HEAD
        + f"""
class Writer(Connector):
    manifest = Manifest(
        name="writer", title="Writer", version="1", settings=Settings,
        capabilities=frozenset({{Capability.{effect.upper()}}}), repeatable=frozenset({{}}),
    )
    async def {effect}(self, context, message): ...

@hookimpl
def hub_connectors():
    return [Writer()]
"""
    )
    (told,) = problems(naming(tmp_path, write(source)))
    assert told == (
        f"The connector 'writer' can {effect!r} but neither declares it repeatable nor can look up what happened."
    )
    repeatable = write(source, ("frozenset({})", f"frozenset({{Effect.{effect.upper()}}})"))
    assert set(load(naming(tmp_path, repeatable)).connectors) == {"writer"}


def test_pages_that_fail_are_told(tmp_path: Path, write: Write) -> None:
    module = write(GOOD + "\n@hookimpl\ndef hub_pages():\n    return 1 / 0\n")
    assert problems(naming(tmp_path, module)) == ["[plugins.p1] hub_pages failed: ZeroDivisionError: division by zero."]


def test_two_plugins_may_not_offer_one_name(tmp_path: Path, write: Write) -> None:
    assert problems(naming(tmp_path, write(GOOD), write(GOOD))) == ["Two plugins offer a connector 'good'."]


def test_all_problems_are_told_at_once_and_each_once(tmp_path: Path, write: Write) -> None:
    modules = [
        write("import nothing_like_this"),
        write(GOOD, ("def hub_connectors()", "def hub_conectors()")),
        write(GOOD, ("@hookimpl\n", "")),
        write(GOOD, ('version="1",', 'version="1", contract=2,'), ("async def check", "def check")),
        write(GOOD, ("[Good()]", "1 / 0")),
        write(GOOD),
        write(GOOD),
    ]
    path = naming(tmp_path, *modules)
    path.write_text(path.read_text(encoding="utf-8") + "\n[plugins.last]\nmodul = 1", encoding="utf-8")
    told = problems(path)
    fragments = [
        "[plugins.p1]", "[plugins.p2]", "[plugins.p3]", "[plugins.last] is wrong", "contract 2", "'check' that is not",
        "[plugins.p5] hub_connectors failed", "Two plugins offer",
    ]  # fmt: skip
    assert len(told) == len(fragments)
    assert [line for line, fragment in zip(told, fragments, strict=True) if fragment not in line] == []
