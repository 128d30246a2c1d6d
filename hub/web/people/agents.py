"""Browsers by name, as people know them, from the `user-agent` that they send (RFC 9110, 10.1.5)."""

from hub.web.translations import gettext as _

# The first one that is found is it: most browsers name others, too.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS",
    "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip


def name_of(agent: str) -> str:
    """Return a browser's name with the system it runs on, as far as it says so: Firefox on Windows."""
    browser = next((name for part, name in BROWSERS.items() if part in agent), "")
    system = next((name for part, name in SYSTEMS.items() if part in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("A browser")
