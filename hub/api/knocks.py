"""Where vendors knock: outside of the API, without a key, at an address that is the secret."""

from typing import Any

from litestar import Request, Response, route
from litestar.params import FromPath

from hub.api.access import Calling
from hub.api.guards import anyone
from hub.knocks import service as knocks

# A body is ignored; a longer one is not even waited for.
MOST_BYTES = 64 * 1024
# A query is a few words; more of it is not looked at.
MOST_WORDS = 50


@route("/knock/{connection_id:str}/{token:str}", http_method=["GET", "POST"], guards=[anyone], include_in_schema=False)
async def knock(
    connection_id: FromPath[str], token: FromPath[str], request: Request[Any, Any, Any], vendors: Calling
) -> Response[bytes]:
    """Take a vendor's hint that something changed; 404 at an address that is none of the hub's."""
    query = dict(list(request.query_params.multi_items())[:MOST_WORDS])
    taken = await knocks.take(vendors, connection_id, token, query)
    headers = {"connection": "close"} if _is_long(request) else {}
    return Response(b"", status_code=202 if taken else 404, headers=headers)


def _is_long(request: Request[Any, Any, Any]) -> bool:
    length = request.headers.get("content-length", "0")
    return "transfer-encoding" in request.headers or not length.isdigit() or int(length) > MOST_BYTES
