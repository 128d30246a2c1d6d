"""Configuration, read once from the environment: what a stranger must be able to change, and nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, get_args

import msgspec
from msgspec import Meta

Port = Annotated[int, Meta(ge=0, le=65_535, title="port number")]
Count = Annotated[int, Meta(ge=1, title="whole number above zero")]
Switch = Annotated[bool, Meta(title="yes or no (true, false, 1, 0)")]
Seconds = Annotated[float, Meta(gt=0, le=3600, title="number above zero and at most 3600")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs from one installation to the next.

    Without `database_url` and `redis_url` the hub starts its own engines in `data`.
    """

    data: Path = Path(".hub")
    database_url: str | None = None
    redis_url: str | None = None
    master_keys: str | None = None
    egress_allow: str = ""
    plugins: Path = Path("plugins.toml")
    host: str = "127.0.0.1"
    port: Port = 8800
    log_level: str = "info"
    log_format: str = "text"
    sweep_seconds: Seconds = 1.0
    max_jobs: Count = 40
    pool_size: Count = 20
    public_url: str | None = None
    photo_store: str | None = None
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    development: Switch = False
    smtp_url: str | None = None
    mail_from: str | None = None

    @property
    def address(self) -> str:
        """Where people reach the pages, without a slash at its end; links in mails begin with it."""
        # Passkeys are made for a name, which an address is not.
        host = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else self.host  # noqa: S104 - compared
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


class SettingsWrong(Exception):  # noqa: N818 - it says the fact
    """Some variables cannot be used; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


PREFIX = "HUB_"
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/-]*)?")
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+/?")
# Set by the hub for its own child processes.
INTERNAL = frozenset({"HUB_SUPERVISED"})
# Read by tests only.
FOREIGN = frozenset({"HUB_REFERENCE", "HUB_TEST_DATABASE_URL", "HUB_TEST_REDIS_URL"})


def read(environment: Mapping[str, str]) -> Settings:
    """Read `HUB_*`; raises `SettingsWrong` with every problem at once, unknown names included."""
    fields = {PREFIX + field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    ours = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    problems = [
        f"{name} is not a setting of the hub; see docs/settings.md."
        for name in sorted(ours)
        if name not in {*fields, *INTERNAL, *FOREIGN}
    ]
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name not in ours:
            continue
        if not ours[name] and field.default != "":
            problems.append(f"{name} is empty; give it a value or leave it out.")
            continue
        try:
            values[field.name] = _value(ours[name], field.type)
        except msgspec.ValidationError:
            problems.append(f"{name} is {ours[name]!r}, which is not a {_word(field.type)}.")
    problems += _disagreements(values)
    if problems:
        raise SettingsWrong(problems)
    return msgspec.convert(values, Settings)


def _value(text: str, kind: object) -> object:
    return Path(text) if kind is Path else msgspec.convert(text, kind, strict=False)


def _word(kind: object) -> str:
    return next((each.title for each in get_args(kind) if isinstance(each, Meta) and each.title), "usable value")


def _disagreements(values: dict[str, object]) -> list[str]:
    problems = []
    address = values.get("public_url")
    if address is not None and not PUBLIC_URL.fullmatch(str(address)):
        problems.append("HUB_PUBLIC_URL is an address such as 'https://hub.example.com', without a query.")
    if ("database_url" in values) != ("redis_url" in values):
        problems.append(
            "HUB_DATABASE_URL and HUB_REDIS_URL belong together: set both, or none for the hub's own engines."
        )
    problems += _photo_problems(values)
    if values.get("log_format", "text") not in {"text", "json"}:
        problems.append("HUB_LOG_FORMAT is 'text' or 'json'.")
    if values.get("log_level", "info") not in {"debug", "info", "warning", "error"}:
        problems.append("HUB_LOG_LEVEL is 'debug', 'info', 'warning' or 'error'.")
    return [*problems, *_wrong_addresses(values)]


def _wrong_addresses(values: dict[str, object]) -> list[str]:
    problems = []
    if "smtp_url" in values and "mail_from" not in values:
        problems.append("HUB_SMTP_URL needs HUB_MAIL_FROM beside it: whom mails are from.")
    if not re.fullmatch(r"[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+", str(values.get("mail_from", "a@b"))):
        problems.append("HUB_MAIL_FROM is an address, like Returns <noreply@returns.example>.")
    return problems


def _photo_problems(values: Mapping[str, object]) -> list[str]:
    problems = []
    store, endpoint = values.get("photo_store"), values.get("s3_endpoint")
    if store is not None and "://" in str(store) and not BUCKET.fullmatch(str(store)):
        problems.append("HUB_PHOTO_STORE is a folder, or a bucket such as 's3://photos/returns'.")
    if endpoint is not None and not ENDPOINT.fullmatch(str(endpoint)):
        problems.append("HUB_S3_ENDPOINT is an address such as 'https://s3.example.com'.")
    if ("s3_access_key" in values) != ("s3_secret_key" in values):
        problems.append("HUB_S3_ACCESS_KEY and HUB_S3_SECRET_KEY belong together: set both, or none for a role.")
    return problems
