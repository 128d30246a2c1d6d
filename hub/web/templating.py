"""Templates and the addresses of static files, the hub's own and those of plugins."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from hub.web import kept

HERE = Path(__file__).parent
# The folder name under which the hub's own static files are served; no plugin may have it.
OWN = "hub"


def config(folders: dict[str, Path]) -> TemplateConfig[JinjaTemplateEngine]:
    """Return Litestar's template configuration over the hub's templates and those of plugins, by package name.

    A plugin's template is named `package/file.html`. In every template `static(path)` gives a file's address.
    """
    plugins = {name: FileSystemLoader(folder / "templates") for name, folder in folders.items()}
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(plugins)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["kept"] = kept.value
    environment.globals["something_kept"] = kept.there
    environment.globals["static"] = addresses(folders).__getitem__
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def addresses(folders: dict[str, Path]) -> dict[str, str]:
    """Return the address of each static file; it changes with the content, so that no browser keeps an old one."""
    found = {OWN: HERE, **folders}
    return {
        f"{name}/{path}": f"/static/{name}/{path}?v={digest}"
        for name, folder in found.items()
        for path, digest in _files(folder / "static")
    }


def _files(folder: Path) -> Iterable[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()[:10]
