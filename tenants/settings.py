"""Settings of connections: checked against the connector's struct, their secrets sealed apart."""

from typing import Any, get_args, get_type_hints
from uuid import UUID

import msgspec

from hub.kit.crypto import Keyring, Secret, place
from hub.kit.errors import Invalid
from hub.sdk import Connector


def _is_secret(kind: Any) -> bool:
    """Say whether a field may hold a secret, however deep in what may be something else or nothing."""
    return kind is Secret or any(_is_secret(each) for each in get_args(kind))


def secret_names(settings: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields that are sealed."""
    hints = get_type_hints(settings, include_extras=True)
    return frozenset(name for name, kind in hints.items() if _is_secret(kind))


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str) and value:
        return Secret(value)
    msg = "Expected a text"
    raise ValueError(msg)


def parse(connector: Connector, values: dict[str, Any]) -> Any:
    """Return the connector's own settings; raises `Invalid` that names the field."""
    struct = connector.manifest.settings
    unknown = sorted(set(values) - {field.encode_name for field in msgspec.structs.fields(struct)})
    if unknown:
        raise Invalid("settings_invalid", f"{connector.manifest.title} has no setting {unknown[0]!r}.")
    try:
        return msgspec.convert(values, struct, dec_hook=_decode)
    except msgspec.ValidationError as fault:
        raise Invalid("settings_invalid", f"{connector.manifest.title}: {fault}.") from fault


def seal(
    connector: Connector, values: dict[str, Any], keyring: Keyring, connection_id: UUID
) -> tuple[dict[str, Any], bytes]:
    """Part checked values into what may be shown and what is sealed for this connection's row."""
    hidden = secret_names(connector.manifest.settings)
    shown = {name: value for name, value in values.items() if name not in hidden}
    secrets = {name: value for name, value in values.items() if name in hidden}
    return shown, keyring.seal(msgspec.json.encode(secrets), place("connections", "sealed", connection_id))


def unseal(connector: Connector, shown: dict[str, Any], sealed: bytes, keyring: Keyring, connection_id: UUID) -> Any:
    """Return the connector's settings with their secrets, for one call."""
    secrets = msgspec.json.decode(keyring.open(sealed, place("connections", "sealed", connection_id)))
    return parse(connector, {**shown, **secrets})


def secrets_of(settings: Any) -> list[str]:
    """Return the secrets of opened settings, so that they can be masked wherever they would show."""
    values = (getattr(settings, name) for name in secret_names(type(settings)))
    return [value.reveal() for value in values if isinstance(value, Secret)]
