from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web import formats, reader
from hub.web.preferences import usable
from hub.web.reader import Density, Language, Reader, Theme, preferred, read
from tenants.people.messages import Language as Locale
from tenants.people.sessions.messages import Method, Person, Session, Through
from tests.pages.reading import PageRead
from tests.pages.visiting import Guest, user
from tests.support.judge import rows

NOON = datetime(2026, 7, 3, 12, 0, 5, tzinfo=UTC)


# -- who reads


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("pl, de;q=0.3, fr;q=0.7", "fr"),
        ("de;q=0, en;q=0.1", "en"),
        ("DE-at ; q=0.5", "de"),
        ("*", "en"),
        ("fr;q=abc, de;q=0.1", "de"),
        ("zh-CN,zh", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_persons_choice_goes_before_their_browsers() -> None:
    assert read({"hub_language": "fr"}, "nl").language is Language.FRENCH
    chosen = read({"hub_theme": "dark", "hub_density": "compact", "hub_zone": "Europe/Amsterdam"}, "")
    assert (chosen.theme, chosen.density, chosen.zone) == (Theme.DARK, Density.COMPACT, "Europe/Amsterdam")


@given(st.dictionaries(st.sampled_from(["hub_language", "hub_zone", "hub_theme", "hub_density"]), st.text()), st.text())
def test_whatever_a_browser_sends_there_is_somebody_who_reads(cookies: dict[str, str], header: str) -> None:
    who = read(cookies, header)
    assert who.timezone is not None
    assert who.locale is not None


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "Europe/Nowhere", "Europe", "", "utc\n"])
def test_a_zone_that_is_none_is_never_looked_up(zone: str) -> None:
    assert read({"hub_zone": zone}, "").zone == "UTC"


# -- how it is written


@pytest.mark.parametrize(
    ("language", "money", "number", "day", "moment"),
    [
        ("en", "€1,234.50", "1,234,567.5", "3 Jul 2026", "3 Jul 2026, 14:00"),
        ("nl", "€ 1.234,50", "1.234.567,5", "3 jul 2026", "3 jul 2026, 14:00"),
        ("de", "1.234,50 €", "1.234.567,5", "03.07.2026", "03.07.2026, 14:00"),
        ("fr", "1 234,50 €", "1 234 567,5", "3 juil. 2026", "3 juil. 2026, 14:00"),
    ],
)
def test_money_numbers_and_moments_are_written_as_the_reader_does(
    language: str, money: str, number: str, day: str, moment: str
) -> None:
    with reader.reading(Reader(language=Language(language), zone="Europe/Amsterdam")):
        written = formats.money(Decimal("1234.5"), "EUR"), formats.number(1234567.5), formats.day(NOON)
        assert tuple(" ".join(text.split()) for text in written) == (money, number, day)
        assert formats.moment(NOON) == moment


def test_a_moment_near_midnight_falls_on_the_readers_own_day() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    with reader.reading(Reader(zone="Europe/Amsterdam")):
        assert formats.day(late) == "1 Jan 2027"
        assert formats.time_of_day(late) == "00:30"
        assert formats.iso(late) == "2026-12-31T23:30:00+00:00"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(days=2), "in 2 days"),
    ],
)
def test_how_long_ago_is_told_in_words(span: timedelta, words: str) -> None:
    assert formats.ago(NOON + span, NOON) == words


def test_figures_beside_an_axis_are_short_and_shares_are_per_cent() -> None:
    assert [formats.short(value) for value in (0, 0.25, 950, 3400, 12_000, 3_400_000)] == [
        "0", "0.25", "950", "3.4K", "12K", "3.4M",
    ]  # fmt: skip
    assert [formats.percent(share) for share in (0, 0.034, 0.5, 1)] == ["0%", "3.4%", "50%", "100%"]
    assert formats.duration(245) == "4 minutes"


# -- the page where it is chosen


async def test_a_choice_is_kept_and_every_page_follows_it(api: httpx.AsyncClient) -> None:
    api.headers.update({"accept": "text/html", "accept-language": "de"})
    page = PageRead((await api.get("/preferences?next=/sign-in/key")).text)
    assert "Sprache und Anzeige" in page.text
    form = page.form("/preferences")
    typed = {**form.fields, "language": "nl", "zone": "America/New_York", "theme": "dark", "density": "compact"}
    answer = await api.post("/preferences", data=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/key")
    shown = (await api.get("/sign-in/key")).text
    assert '<html lang="nl-NL" data-theme="dark" data-density="compact" data-zone="America/New_York">' in shown
    assert "Aanmelden" in shown
    # An address that leads nowhere is told in the reader's language, too.
    assert "Deze pagina bestaat niet" in (await api.get("/nowhere")).text


async def test_a_choice_that_there_is_not_is_told_by_its_field(api: httpx.AsyncClient) -> None:
    api.headers["accept"] = "text/html"
    form = PageRead((await api.get("/preferences")).text).form("/preferences")
    answer = await api.post("/preferences", data={**form.fields, "language": "xx", "zone": "../x", "next": "//evil"})
    assert answer.status_code == 422
    page = PageRead(answer.text)
    assert page.wrong("language") == page.wrong("zone") == "Choose one of the list."
    assert "set-cookie" not in answer.headers or "hub_language" not in answer.headers["set-cookie"]
    assert not usable("theme", "<script>")


# -- who is signed in


async def test_who_is_signed_in_reads_as_their_account_says_and_changes_it_where_they_choose(
    browsers: Callable[[], Guest],
) -> None:
    await user("ann@shop.example")
    ann = browsers()
    ann.client.headers["accept-language"] = "fr"
    assert "Se connecter" in (await ann.go("/sign-in")).text
    await ann.sign_in("ann@shop.example")
    assert '<html lang="en-GB"' in ann.answer.text
    assert 'data-zone="Europe/Amsterdam"' in ann.answer.text
    await ann.go("/preferences?next=/account")
    assert "kept with your account" in ann.page.text
    await ann.send("/preferences", language="de", zone="America/New_York", theme="dark")
    head = '<html lang="de-DE" data-theme="dark" data-density="comfortable" data-zone="America/New_York">'
    assert head in ann.answer.text
    assert "Mein Zugang" in ann.page.text
    held = await rows("select locale, time_zone from users")
    assert [tuple(row.values()) for row in held] == [("de", "America/New_York")]
    # An address that leads nowhere is told in their language, too, and another browser of theirs reads the same.
    other = browsers()
    assert "Mein Zugang" in (await other.sign_in("ann@shop.example")).text
    await ann.send("/sign-out")
    assert "Anmelden" in (await ann.go("/sign-in")).text, "this browser remembers the choice"


def test_who_came_in_through_a_company_keeps_a_choice_in_the_browser_alone() -> None:
    person = Person(
        id=UUID(int=1), email="a@b.example", name="Ann", locale=Locale.DUTCH, time_zone="Europe/Paris",
        has_password=False, has_totp=False, has_passkey=False,
    )  # fmt: skip
    session = Session(
        id=UUID(int=2), method=Method.PROVIDER, person=person, operator=None, membership=None, choices=(),
        through=Through(id=UUID(int=3), account_id=UUID(int=4), partner_id=None), second_at=None,
    )  # fmt: skip
    chosen = {"hub_language": "fr"}
    found = reader.personal(reader.read(chosen, "de"), session, chosen)
    assert (found.language, found.zone) == (Language.FRENCH, "Europe/Paris")
    own = msgspec.structs.replace(session, through=None)
    assert reader.personal(reader.read(chosen, "de"), own, chosen).language is Language.DUTCH
    assert reader.personal(reader.read({}, "de"), session, {}).language is Language.DUTCH
