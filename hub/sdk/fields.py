"""How a connector describes its settings, so that the hub can make the form and check the answers."""

from typing import Any

import msgspec

from hub.sdk.secret import Secret


def setting(
    *,
    title: str,
    description: str,
    examples: tuple[str, ...] = (),
    pattern: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
) -> msgspec.Meta:
    """Describe one setting for `Annotated[...]`: the words a person reads beside the field, and its limits."""
    return msgspec.Meta(
        title=title,
        description=description,
        examples=list(examples) or None,
        pattern=pattern,
        min_length=min_length,
        max_length=max_length,
    )


def form(settings: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a settings struct, which is also the form its owner fills in."""
    _, components = msgspec.json.schema_components([settings], schema_hook=_secret)
    schema: dict[str, Any] = components[settings.__name__]
    return schema


def _secret(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "format": "password", "writeOnly": True}
    raise NotImplementedError
