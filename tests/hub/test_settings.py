from pathlib import Path

import msgspec
import pytest

from hub.settings import FOREIGN, INTERNAL, PREFIX, Settings, SettingsWrong, read

URLS = {"HUB_DATABASE_URL": "postgresql://hub@db/hub", "HUB_REDIS_URL": "redis://queue/0"}
TOGETHER = "HUB_DATABASE_URL and HUB_REDIS_URL belong together: set both, or none for the hub's own engines."


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsWrong) as caught:
        read(environment)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_without_any_variable_the_hub_starts_its_own_engines_and_listens_on_loopback_only() -> None:
    found = read({})
    assert found == Settings()
    assert (found.database_url, found.redis_url, found.host) == (None, None, "127.0.0.1")
    assert (found.data, found.plugins) == (Path(".hub"), Path("plugins.toml"))


PUBLIC_URL = "HUB_PUBLIC_URL is an address such as 'https://hub.example.com', without a query."


def test_variables_of_other_programs_are_none_of_our_business() -> None:
    assert read({"PATH": "/bin", "HUBBLE_PORT": "x", "hub_port": "x", "GITHUB_TOKEN": "x"}) == Settings()


@pytest.mark.parametrize("name", sorted(INTERNAL | FOREIGN))
def test_variables_of_the_hub_that_are_no_settings_are_let_through(name: str) -> None:
    assert read({name: "anything"}) == Settings()


def test_every_setting_is_read_in_its_type() -> None:
    given = {
        **URLS,
        "HUB_DATA": "/var/lib/hub",
        "HUB_MASTER_KEYS": "k1:aaaa",
        "HUB_EGRESS_ALLOW": "10.0.0.0/8",
        "HUB_PLUGINS": "/etc/hub/plugins.toml",
        "HUB_HOST": "0.0.0.0",
        "HUB_PORT": "80",
        "HUB_LOG_LEVEL": "debug",
        "HUB_LOG_FORMAT": "json",
        "HUB_SWEEP_SECONDS": "0.5",
        "HUB_MAX_JOBS": "7",
        "HUB_POOL_SIZE": "3",
        "HUB_PUBLIC_URL": "https://hub.example.com/returns",
        "HUB_PHOTO_STORE": "s3://photos/returns",
        "HUB_S3_ENDPOINT": "https://s3.example.com",
        "HUB_S3_REGION": "eu-central-1",
        "HUB_S3_ACCESS_KEY": "key",
        "HUB_S3_SECRET_KEY": "secret",
        "HUB_DEVELOPMENT": "true",
        "HUB_SMTP_URL": "smtps://mail.example",
        "HUB_MAIL_FROM": "Returns <noreply@returns.example>",
    }
    assert set(given) == {PREFIX + name.upper() for name in Settings.__struct_fields__}
    assert read(given) == Settings(
        database_url=URLS["HUB_DATABASE_URL"], redis_url=URLS["HUB_REDIS_URL"], data=Path("/var/lib/hub"),
        master_keys="k1:aaaa", egress_allow="10.0.0.0/8", plugins=Path("/etc/hub/plugins.toml"), host="0.0.0.0",
        port=80, log_level="debug", log_format="json", sweep_seconds=0.5, max_jobs=7, pool_size=3,
        public_url="https://hub.example.com/returns", photo_store="s3://photos/returns",
        s3_endpoint="https://s3.example.com", s3_region="eu-central-1", s3_access_key="key", s3_secret_key="secret",
        development=True, smtp_url="smtps://mail.example",
        mail_from="Returns <noreply@returns.example>",
    )  # fmt: skip


def test_a_text_that_looks_like_a_number_stays_a_text() -> None:
    assert read({"HUB_MASTER_KEYS": "12345", "HUB_HOST": "1"}).master_keys == "12345"


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("HUB_PORT", "http", "port number"),
        ("HUB_PORT", "80.5", "port number"),
        ("HUB_PORT", "-1", "port number"),
        ("HUB_PORT", "65536", "port number"),
        ("HUB_MAX_JOBS", "many", "whole number above zero"),
        ("HUB_MAX_JOBS", "0", "whole number above zero"),
        ("HUB_POOL_SIZE", "0", "whole number above zero"),
        ("HUB_POOL_SIZE", "null", "whole number above zero"),
        ("HUB_SWEEP_SECONDS", "soon", "number above zero and at most 3600"),
        ("HUB_SWEEP_SECONDS", "0", "number above zero and at most 3600"),
        ("HUB_SWEEP_SECONDS", "nan", "number above zero and at most 3600"),
        ("HUB_SWEEP_SECONDS", "inf", "number above zero and at most 3600"),
    ],
)
def test_a_number_that_cannot_be_used_is_named_with_what_it_should_be(name: str, text: str, word: str) -> None:
    assert problems({name: text}) == [f"{name} is {text!r}, which is not a {word}."]


def test_an_unknown_name_is_refused_because_a_misspelt_setting_would_be_ignored() -> None:
    assert problems({"HUB_PROT": "80"}) == ["HUB_PROT is not a setting of the hub; see docs/settings.md."]


@pytest.mark.parametrize("only", URLS)
def test_half_of_the_addresses_is_refused(only: str) -> None:
    assert problems({only: URLS[only]}) == [TOGETHER]


def test_an_empty_value_is_not_taken_for_no_value() -> None:
    assert problems({"HUB_MASTER_KEYS": ""}) == ["HUB_MASTER_KEYS is empty; give it a value or leave it out."]
    assert read({"HUB_EGRESS_ALLOW": ""}).egress_allow == ""


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("HUB_PUBLIC_URL", "hub.example.com", PUBLIC_URL),
        ("HUB_PUBLIC_URL", "https://hub.example.com/?a=b", PUBLIC_URL),
        ("HUB_LOG_FORMAT", "xml", "HUB_LOG_FORMAT is 'text' or 'json'."),
        ("HUB_LOG_LEVEL", "loud", "HUB_LOG_LEVEL is 'debug', 'info', 'warning' or 'error'."),
        ("HUB_LOG_LEVEL", "DEBUG", "HUB_LOG_LEVEL is 'debug', 'info', 'warning' or 'error'."),
    ],
)
def test_words_come_from_their_list(name: str, text: str, problem: str) -> None:
    assert problems({name: text}) == [problem]


def test_all_problems_are_told_at_once() -> None:
    told = problems({
        "HUB_TYPO": "1", "HUB_AGAIN": "1", "HUB_PORT": "x", "HUB_MAX_JOBS": "x", "HUB_REDIS_URL": "redis://queue",
        "HUB_LOG_LEVEL": "loud", "HUB_LOG_FORMAT": "xml", "HUB_DATA": "",
    })  # fmt: skip
    assert len(told) == 8
    assert [line.split()[0] for line in told] == [
        "HUB_AGAIN", "HUB_TYPO", "HUB_DATA", "HUB_PORT", "HUB_MAX_JOBS", "HUB_DATABASE_URL", "HUB_LOG_FORMAT",
        "HUB_LOG_LEVEL",
    ]  # fmt: skip


def test_every_setting_has_a_default() -> None:
    assert all(not field.required for field in msgspec.structs.fields(Settings))
