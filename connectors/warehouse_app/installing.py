"""What makes the app installable and lets it open without a connection: its manifest and its service worker."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Template

from hub.sdk import ReceivingDesk

Visit = Request[Any, Any, Any]
Desk = NamedDependency[SkipValidation[ReceivingDesk]]
MANIFEST, WORKER = "warehouse_app:manifest", "warehouse_app:worker"
HOME = "warehouse_app:list"


class Installing(Controller):
    """The manifest and the service worker."""

    include_in_schema = False

    @get("/manifest", name=MANIFEST)
    async def manifest(self, desk: Desk) -> Template:
        """Describe the app to whoever installs it (W3C, Web Application Manifest)."""
        context = {"warehouse": desk.warehouse}
        return Template("warehouse_app/manifest.json", context=context, media_type="application/manifest+json")

    @get("/worker.js", name=WORKER)
    async def worker(self, request: Visit) -> Response[Any]:
        """Give the service worker, which may look after the whole app and nothing beside it."""
        home = request.app.route_reverse(HOME)
        headers = {"service-worker-allowed": home, "cache-control": "no-cache"}
        return Template("warehouse_app/worker.js", media_type="text/javascript", headers=headers)
