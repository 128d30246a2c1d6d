"""What the control API's calls share: reading wishes, and answering once everything is on disk."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType

from connectors.channelengine.sandbox.refusals import Refusal, invalid
from connectors.channelengine.sandbox.vendor import Vendor
from connectors.channelengine.sandbox.wire import decode

Answer = Response[bytes]
Asking = Request[Any, Any, Any]
Item = TypeVar("Item")
Known = TypeVar("Known", bound=msgspec.Struct)
encoder = msgspec.json.Encoder()


def answered(content: object, *, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Response(encoder.encode(content), status_code=status, media_type=MediaType.JSON)


async def kept(vendor: Vendor, content: object, *, status: int = 200) -> Answer:
    """Answer with JSON once all that was changed is on disk."""
    await vendor.durable()
    return answered(content, status=status)


async def wish(request: Asking, kind: type[Item]) -> Item:
    """Read a body, an empty one as an empty object; refuses with 400 what does not fit."""
    return decode(await request.body() or b"{}", kind)


async def wishes(request: Asking, kind: type[Item]) -> tuple[Sequence[Item], bool]:
    """Read a body of one or of a list, and say which it was."""
    body = await request.body()
    if body.lstrip().startswith(b"["):
        return decode(body, list[kind]), True  # type: ignore[valid-type]  # the type is known only here
    return [decode(body, kind)], False


async def amended(request: Asking, known: Known) -> Known:
    """Return a record with the fields of the body in place of its own; refuses others with 400."""
    changes = await wish(request, dict[str, Any])
    try:
        return msgspec.convert({**msgspec.to_builtins(known), **changes}, type(known))
    except msgspec.ValidationError as error:
        raise Refusal(400, str(error)) from error


def narrowed(items: Iterable[Item], request: Asking, names: Sequence[str]) -> list[Item]:
    """Return the items that have the values the query asks for under these names."""
    wanted = {name: request.query_params[name] for name in names if name in request.query_params}
    return [item for item in items if all(str(getattr(item, name)) == value for name, value in wanted.items())]


def wrong(field: str, why: str) -> Refusal:
    """Return the refusal of one field."""
    return invalid({field: [why]})
