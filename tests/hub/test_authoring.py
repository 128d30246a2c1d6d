"""A connector from elsewhere: written from the skeleton, installed as a package, allowed in one line, and at work."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from hub import authoring
from hub.cli import cli
from hub.kit.addresses import Allow
from hub.kit.egress import Egress
from hub.kit.errors import Invalid
from hub.plugins.loader import load
from hub.plugins.messages import PluginsWrong
from hub.runtime import Runtime
from hub.sdk.testing import Tier
from tenants.vendors import Vendors
from tests.support.vendor import Vendor
from tests.support.wms import House, Wms
from tests.support.world import Watch, World

NAME = "acme_houses"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Leave no module of a written connector behind."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for module in [module for module in sys.modules if module.partition(".")[0] == NAME]:
        del sys.modules[module]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which pip installed a connector that `hub connector new` wrote."""
    project = authoring.new(NAME, tmp_path_factory.mktemp("elsewhere"))
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(project)], check=True, capture_output=True)
    return target


@pytest.fixture
def allowed(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugins.toml that allows it, beside ChannelEngine."""
    monkeypatch.syspath_prepend(str(installed))
    path = tmp_path / "plugins.toml"
    path.write_text(
        f'[plugins.channelengine]\nmodule = "connectors.channelengine"\n[plugins.acme]\nentry_point = "{NAME}"\n'
    )
    return path


def test_a_new_connector_keeps_bronze_untouched_and_its_report_is_read_by_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = CliRunner().invoke(cli, ["connector", "new", NAME, "--in", str(tmp_path)])
    assert made.exit_code == 0, made.output
    monkeypatch.chdir(tmp_path / NAME)
    told = CliRunner().invoke(cli, ["connector", "test", NAME])
    assert told.exit_code == 0, told.output
    assert "claims bronze. Good." in told.output
    assert "✓ announce-twice: The same announcement with the same key makes one return." in told.output


def test_what_is_claimed_and_not_seen_is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = authoring.new(NAME, tmp_path)
    (project / NAME / "quality.toml").write_text(
        'tier = "gold"\n[does_not_apply]\nwithdraw = "no"\nnonsense = "a b c"\n'
    )
    (project / NAME / "README.md").write_text("Too short.")
    monkeypatch.chdir(project)
    told = CliRunner().invoke(cli, ["connector", "test", NAME, "--json"])
    report = msgspec.json.decode(told.output)
    assert (told.exit_code, report["ok"], report["tier"]) == (1, False, "none")
    assert [rule["rule"] for rule in report["rules"] if rule["status"] == "broken"] == ["files"]
    problems = "\n".join(report["problems"])
    assert "claims gold, and the kit saw none" in problems
    assert "says that withdraw does not apply, and it does" in problems
    assert "names the rule 'nonsense', which there is not" in problems
    assert "hints does not apply, and quality.toml does not say why" in problems


@pytest.mark.parametrize("name", ["Acme", "a-b", "json", ""])
def test_a_name_that_python_could_not_import_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        authoring.new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_what_offers_no_connector_is_told_in_a_sentence() -> None:
    with pytest.raises(Invalid, match="hub_connectors"):
        await authoring.test("warehouse_app")
    with pytest.raises(Invalid, match="no package of this name"):
        await authoring.test("nowhere_at_all")


def test_an_installed_package_loads_where_the_operator_allows_it(allowed: Path) -> None:
    assert set(load(allowed).connectors) == {"channelengine", NAME}


def test_an_entry_point_that_nobody_offers_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "plugins.toml"
    path.write_text('[plugins.a]\nentry_point = "nobody"\n[plugins.b]\nmodule = "x"\nentry_point = "y"\n')
    with pytest.raises(PluginsWrong) as wrong:
        load(path)
    told = "\n".join(wrong.value.problems)
    assert "no installed package offers it" in told
    assert "one of the two" in told


@asynccontextmanager
async def hub_with(runtime: Runtime, plugins: Path) -> AsyncIterator[Runtime]:
    registry = load(plugins)
    vendors = Vendors(
        registry.connectors, keyring=runtime.keyring, egress=Egress(allow=Allow.parse("127.0.0.1"), timeout_seconds=30),
        limits=registry.limits,
    )  # fmt: skip
    yield msgspec.structs.replace(runtime, registry=registry, vendors=vendors)
    await vendors.close()


async def test_a_connector_from_elsewhere_receives_for_a_shop_without_a_change_of_ours(
    hub: Runtime, vendor: Vendor, stopped: Watch, allowed: Path
) -> None:
    async with hub_with(hub, allowed) as runtime, Wms.serving(NAME, package=NAME) as wms:
        world = World(runtime, vendor, stopped)
        await wms.stock("SHOE")
        house = await House.opened(world, wms, await world.shop())
        stored = await world.merchant_return(house.shop, "SO-1", {"SHOE": 2})
        await world.work()
        await wms.receive(stored.number, ("SHOE", 2, "good"), complete=True)
        await house.read()
        await world.work_until_quiet()
        assert (await world.again(stored)).settlement == "settled"


async def test_the_kit_sees_the_same_of_the_installed_package(allowed: Path) -> None:
    assert (await authoring.test(NAME)).tier is Tier.PLATINUM
