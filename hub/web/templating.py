"""Templates, what they may call, and the addresses of static files, the hub's own and those of plugins."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from hub.kit import clock
from hub.web import formats, kept, reader, translations
from hub.web.shell import Shell, role_name

HERE = Path(__file__).parent
# The folder name under which the hub's own static files are served; no plugin may have it.
OWN = "hub"
# The parts of the design system, in the order of their layers.
SHEETS = (
    "tokens", "elements", "layout", "shell", "controls", "forms", "tables", "content", "feedback", "plots", "print",
)  # fmt: skip


def config(
    folders: dict[str, Path], shell_of: Callable[[Any], Shell] | None = None
) -> TemplateConfig[JinjaTemplateEngine]:
    """Return Litestar's template configuration over the hub's templates and those of plugins, by package name.

    A plugin's template is named `package/file.html`. In every template `static(path)` gives a file's address, `_(…)` a
    text in the reader's language, `reader()` who that is, and the filters of `hub.web.formats` write for them.
    """
    environment = bare(folders)
    environment.globals["shell_of"] = shell_of or (lambda _: Shell())
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def bare(folders: dict[str, Path]) -> Environment:
    """Return the environment of all templates, without a web application around it."""
    plugins = {name: FileSystemLoader(folder / "templates") for name, folder in folders.items()}
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(plugins)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    translations.install(environment, translations.Catalogues(folders.values()))
    static = addresses(folders)
    environment.globals |= {
        "static": static.__getitem__,
        "sheets": [static[f"{OWN}/css/{name}.css"] for name in SHEETS],
        "reader": reader.current,
        "now": clock.now,
        "kept": kept.value,
        "something_kept": kept.there,
        "role_name": role_name,
    }
    environment.filters |= formats.FILTERS
    return environment


def addresses(folders: dict[str, Path]) -> dict[str, str]:
    """Return the address of each static file.

    It holds a digest of all files beside it, so that it changes with any of them: no browser keeps an old file, and a
    script that names another one gets the one it was written with.
    """
    found = {OWN: HERE, **folders}
    return {
        f"{name}/{path}": f"/static/{name}/{version}/{path}"
        for name, folder in found.items()
        for version, path in _files(folder / "static")
    }


def _files(folder: Path) -> Iterable[tuple[str, str]]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    version = digest.hexdigest()[:10]
    return [(version, path.relative_to(folder).as_posix()) for path in paths]
