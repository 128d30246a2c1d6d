"""Where partners' systems call when something changed: outside of the API, proven by a signature."""

from typing import Any

from litestar import Request, Response, route
from litestar.params import FromPath

from hub.api.access import Calling
from hub.api.guards import anyone
from hub.wms import hints


@route(
    "/hooks/{connection_id:str}", http_method=["POST", "HEAD"], guards=[anyone], include_in_schema=False,
    status_code=202,
)  # fmt: skip
async def hook(connection_id: FromPath[str], request: Request[Any, Any, Any], vendors: Calling) -> Response[bytes]:
    """Take a system's word that something changed; 404 for a wrong signature and a wrong address alike."""
    if request.method == "HEAD":
        # Some vendors look whether anybody is there before they call.
        return Response(b"", status_code=200)
    taken = await hints.take(vendors, connection_id, dict(request.headers), await request.body())
    return Response(b"", status_code=202 if taken else 404)
