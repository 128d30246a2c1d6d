import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from litestar import Litestar, Router
from litestar.di import Provide

from connectors.warehouse_app import hub_pages
from hub.kit.crypto import Keyring
from hub.sdk.desk import ReceivingDesk
from hub.sdk.receiving import Condition, Disposition, Grade, ReceivedItem, ReceivingRefused
from hub.web import apps, templating, visitors
from tests.connectors.warehouse_app.bench import Bench, expected
from tests.pages.reading import Form, PageRead

NUMBER = "R7K3Q9ZD4AM"
ADDRESS = "/apps/warehouse_app"


def mounted(desk: ReceivingDesk) -> Litestar:
    (app,) = apps.offered({"warehouse_app": hub_pages()})
    pages = Router(
        app.path,
        route_handlers=list(app.controllers),
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
    )
    return Litestar(
        [pages, *apps.files((app,))],
        template_config=templating.config(apps.folders((app,))),
        middleware=[visitors.session(Keyring.generate_text())],
    )


class Operator:
    """Someone at the app whose browser has no JavaScript: what a page holds is what is sent."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.status = 0

    async def go(self, path: str, **query: str) -> PageRead:
        return self._read(await self.client.get(ADDRESS + path, params=query or None, follow_redirects=True))

    async def send(self, page: PageRead, wish: str, **typed: str) -> PageRead:
        answer = await self.post(page, wish, **typed)
        if answer.has_redirect_location:
            assert answer.status_code == 303
            answer = await self.client.get(answer.headers["location"])
        return self._read(answer)

    async def post(self, page: PageRead, wish: str, **typed: str) -> httpx.Response:
        form = receiving(page)
        assert wish in form.buttons
        fields = {**form.fields, **{name.replace("_", "-"): value for name, value in typed.items()}, "do": wish}
        return await self.client.post(form.action, data=fields)

    def _read(self, answer: httpx.Response) -> PageRead:
        self.status = answer.status_code
        return PageRead(answer.text)


def receiving(page: PageRead) -> Form:
    return page.form("/returns/")


@asynccontextmanager
async def at(desk: Bench) -> AsyncIterator[Operator]:
    application: Any = mounted(desk)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://hub") as client:
        yield Operator(client)


@pytest.fixture
def desk() -> Bench:
    return Bench(expected(NUMBER, {"SHIRT": 2, "SHOE": 1}, days=3), expected("R2", {"HAT": 1}))


@pytest.fixture
async def operator(desk: Bench) -> AsyncIterator[Operator]:
    async with at(desk) as standing:
        yield standing


# -- the list and the scan field


async def test_the_list_shows_what_is_expected_with_the_cursor_in_the_scan_field(operator: Operator) -> None:
    page = await operator.go("/")
    assert "North dock" in page.text
    assert re.search(rf"{NUMBER} Bergmann O-{NUMBER} The SHIRT, The SHOE 0 of 3 3 days R2 .* today", page.text)
    assert page.focus == "number"
    assert f"{ADDRESS}/returns/{NUMBER}" in page.links


async def test_a_warehouse_without_expected_returns_is_told_so() -> None:
    async with at(Bench()) as operator:
        page = await operator.go("/")
    assert "Nothing is expected" in page.text
    assert page.focus == "number"


async def test_a_long_list_has_pages_and_an_unknown_cursor_leads_to_the_first() -> None:
    async with at(Bench(*(expected(f"R{number}", {"HAT": 1}) for number in range(51)))) as operator:
        first = await operator.go("/")
        assert "R49" in first.by_id["content"]
        assert "R50" not in first.by_id["content"]
        (following,) = (link for link in first.links if "cursor=" in link)
        second = await operator.go(following.removeprefix(ADDRESS))
        assert "R50" in second.by_id["content"]
        assert ADDRESS in second.links
        assert not [link for link in second.links if "cursor=" in link]
        assert "R49" in (await operator.go("/", cursor="rubbish")).by_id["content"]


async def test_a_scanned_number_opens_its_return_with_the_cursor_on_the_first_quantity(operator: Operator) -> None:
    page = await operator.go("/scan", number=" r7k3-q9zd-4am\t")
    assert operator.status == 200
    assert f"{NUMBER} Expected Bergmann · order O-{NUMBER}" in page.text
    assert "The SHIRT SHIRT 0 of 2 received" in page.text
    assert page.focus == "quantity-0"


@pytest.mark.parametrize("path", ["/scan?number=%3Cb%3E", "/returns/%3Cb%3E"])
async def test_an_unknown_number_is_told_by_the_field_with_what_was_typed(operator: Operator, path: str) -> None:
    page = await operator.go(path)
    assert operator.status == 404
    assert page.wrong("number").startswith("No return with this number is expected here.")
    assert page.form("/scan").fields["number"] == "<b>"
    assert page.focus == "number"
    assert "Expected returns" in page.text


async def test_an_empty_scan_shows_the_list(operator: Operator) -> None:
    assert "Expected returns" in (await operator.go("/scan", number=" ")).text
    assert operator.status == 200


# -- booking


async def test_units_in_several_states_and_an_unexpected_product_are_booked_as_they_were_typed(
    operator: Operator, desk: Bench
) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    page = await operator.send(page, "add:SHIRT", quantity_0="1", grade_0="A", condition_0="as_new")
    page = await operator.send(
        page, "book", quantity_1="1", grade_1="D", condition_1="damaged", disposition_1="destroy", note_1="torn",
        sku_3="MUG", quantity_3="4", grade_3="C",
    )  # fmt: skip
    (receipt,) = desk.booked.values()
    assert receipt.items == (
        ReceivedItem(sku="SHIRT", quantity=1, grade=Grade.A, condition=Condition.AS_NEW),
        ReceivedItem(
            sku="SHIRT",
            quantity=1,
            grade=Grade.D,
            condition=Condition.DAMAGED,
            disposition=Disposition.DESTROY,
            note="torn",
        ),
        ReceivedItem(sku="MUG", quantity=4, grade=Grade.C),
    )
    assert not receipt.finalise
    assert "Booked: 6 units. Status: Received." in page.text
    assert "MUG : was not expected in this return" in page.text
    assert "2 of 2 received" in page.text
    assert page.focus == "number"
    assert {value for name, value in receiving(page).fields.items() if name.startswith("quantity")} == {""}


async def test_the_notice_is_shown_once_and_never_on_another_return(operator: Operator) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    answer = await operator.post(page, "book", quantity_1="1", grade_1="A")
    assert "Booked" not in (await operator.go("/returns/R2")).text
    assert answer.headers["location"] == f"{ADDRESS}/returns/{NUMBER}"
    page = await operator.go(f"/returns/{NUMBER}")
    await operator.post(page, "book", quantity_1="1", grade_1="A")
    assert "Booked: 1 unit." in (await operator.go(f"/returns/{NUMBER}")).text
    assert "Booked" not in (await operator.go(f"/returns/{NUMBER}")).text


async def test_finalising_everything_books_at_once_and_closes_the_form(operator: Operator, desk: Bench) -> None:
    page = await operator.go("/returns/R2")
    page = await operator.send(page, "finalise", quantity_0="1", grade_0="B")
    assert [receipt.finalise for receipt in desk.booked.values()] == [True]
    assert "Booked and finalised. 1 unit in this delivery. Status: To be settled. Scan the next parcel." in page.text
    assert "Something arrived late" in page.text
    assert page.focus == "number"


async def test_finalising_with_something_missing_asks_once_and_then_tells_the_deviation(
    operator: Operator, desk: Bench
) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    page = await operator.send(page, "finalise", quantity_0="1", grade_0="A")
    assert not desk.booked
    assert "Not everything arrived." in page.text
    assert "The SHIRT: 1 of 2 The SHOE: 0 of 1" in page.text
    assert page.focus == "finalise_short"
    page = await operator.send(page, "finalise_short")
    assert len(desk.booked) == 1
    assert "Booked and finalised. 1 unit" in page.text
    assert "SHIRT : not everything arrived" in page.text


async def test_whoever_is_asked_about_missing_units_may_book_without_finalising(
    operator: Operator, desk: Bench
) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    page = await operator.send(page, "finalise", quantity_0="1", grade_0="A")
    await operator.send(page, "book")
    assert [receipt.finalise for receipt in desk.booked.values()] == [False]


async def test_a_return_that_was_received_in_part_is_finalised_without_further_goods(
    operator: Operator, desk: Bench
) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    page = await operator.send(page, "book", quantity_0="2", grade_0="A")
    page = await operator.send(page, "finalise")
    await operator.send(page, "finalise_short")
    assert [(receipt.finalise, len(receipt.items)) for receipt in desk.booked.values()] == [(False, 1), (True, 0)]


async def test_the_same_form_sent_twice_is_booked_once(operator: Operator, desk: Bench) -> None:
    page = await operator.go("/returns/R2")
    await operator.post(page, "finalise", quantity_0="1", grade_0="A")
    again = await operator.send(page, "finalise", quantity_0="1", grade_0="A")
    assert len(desk.booked) == 1
    assert "This was booked before. Nothing was booked twice. Status: To be settled." in again.text


async def test_a_booked_form_that_is_changed_and_sent_again_books_only_after_a_second_look(
    operator: Operator, desk: Bench
) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    await operator.post(page, "book", quantity_0="1", grade_0="A")
    looked = await operator.send(page, "book", quantity_0="2", grade_0="A")
    assert len(desk.booked) == 1
    assert operator.status == 422
    assert "This form was booked before, and nothing was booked now." in looked.text
    assert receiving(looked).fields["quantity-0"] == "2"
    await operator.send(looked, "book")
    assert [receipt.items[0].quantity for receipt in desk.booked.values()] == [1, 2]


async def test_a_form_without_a_usable_key_gets_one(operator: Operator, desk: Bench) -> None:
    page = await operator.go("/returns/R2")
    await operator.post(page, "book", quantity_0="1", grade_0="A", key="")
    await operator.post(page, "book", quantity_0="1", grade_0="A", key="x" * 500)
    assert len(desk.booked) == 2
    assert all(len(key) < 100 for key in desk.booked)


# -- what is wrong


async def test_what_is_wrong_stands_by_its_field_and_everything_typed_is_kept(operator: Operator, desk: Bench) -> None:
    typed = {
        "quantity_0": "two", "grade_0": "A", "condition_0": "opened", "note_0": "scuffed <sole>",
        "quantity_1": "3",
        "sku_2": "MUG", "disposition_2": "recycle",
    }  # fmt: skip
    page = await operator.send(await operator.go(f"/returns/{NUMBER}"), "book", **typed)
    assert operator.status == 422
    assert not desk.booked
    assert "Nothing was booked." in page.text
    assert page.wrong("quantity-0") == "Type a whole number."
    assert page.wrong("grade-1") == "Choose a grade."
    assert page.wrong("quantity-2") == "How many?"
    assert page.wrong("grade-2") == "Choose a grade."
    assert page.focus == "quantity-0"
    kept = receiving(page).fields
    assert {name: kept[name.replace("_", "-")] for name in typed} == typed
    assert set(page.described) == {"quantity-0", "grade-1", "quantity-2", "grade-2"}


async def test_what_the_desk_refuses_is_told_and_everything_typed_is_kept(operator: Operator, desk: Bench) -> None:
    desk.refusal = ReceivingRefused("paused", "This warehouse does not receive today.")
    page = await operator.send(await operator.go(f"/returns/{NUMBER}"), "book", quantity_0="1", grade_0="A")
    assert operator.status == 422
    assert "Nothing was booked. This warehouse does not receive today." in page.text
    assert receiving(page).fields["quantity-0"] == "1"
    desk.refusal = None
    await operator.send(page, "book")
    assert len(desk.booked) == 1


@pytest.mark.parametrize("wish", ["book", "finalise"])
async def test_booking_nothing_is_told(operator: Operator, desk: Bench, wish: str) -> None:
    page = await operator.send(await operator.go(f"/returns/{NUMBER}"), wish, quantity_0="0")
    assert operator.status == 422
    assert not desk.booked
    assert "Nothing is typed yet." in page.text


async def test_enter_checks_and_books_nothing(operator: Operator, desk: Bench) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    assert receiving(page).buttons[0] == "check"
    page = await operator.send(page, "check", quantity_0="1")
    assert page.focus == "grade-0"
    page = await operator.send(page, "check", grade_0="A")
    assert "Nothing is booked yet." in page.text
    assert page.focus == "book"
    await operator.send(page, "book")
    assert len(desk.booked) == 1


async def test_a_wish_that_no_button_has_books_nothing(operator: Operator, desk: Bench) -> None:
    form = receiving(await operator.go("/returns/R2"))
    for wish in ("", "everything", "add:NOTHERE"):
        await operator.client.post(form.action, data={**form.fields, "quantity-0": "1", "grade-0": "A", "do": wish})
    assert not desk.booked


async def test_a_form_for_a_return_that_went_elsewhere_is_told_as_unknown(operator: Operator, desk: Bench) -> None:
    page = await operator.go("/returns/R2")
    del desk.returns["R2"]
    page = await operator.send(page, "book", quantity_0="1", grade_0="A")
    assert operator.status == 404
    assert page.wrong("number")


# -- more rows


async def test_further_rows_keep_what_was_typed_and_get_the_cursor(operator: Operator) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    page = await operator.send(page, "add:SHIRT", quantity_0="1", grade_0="C", quantity_1="9", note_2="blue")
    fields = receiving(page).fields
    assert page.focus == "quantity-1"
    assert operator.status == 200
    assert (fields["quantity-0"], fields["grade-0"]) == ("1", "C")
    assert (fields["product-1"], fields["quantity-1"]) == ("SHIRT", "")
    assert (fields["product-2"], fields["quantity-2"]) == ("SHOE", "9")
    assert fields["note-3"] == "blue"
    page = await operator.send(page, "add:", sku_3="MUG")
    assert page.focus == "sku-4"
    assert receiving(page).fields["sku-3"] == "MUG"


async def test_a_closed_return_takes_late_goods_only_behind_a_warning() -> None:
    late = expected(NUMBER, {"SHIRT": 1}, status="Canceled")
    async with at(Bench(late)) as operator:
        page = await operator.go(f"/returns/{NUMBER}")
        assert "Canceled" in page.text
        assert "kept as a late arrival" in page.text
        page = await operator.send(page, "book", quantity_0="1", grade_0="A")
    assert "Booked: 1 unit." in page.text


# -- the page itself


async def test_every_file_that_a_page_names_is_served_and_nothing_comes_from_elsewhere(operator: Operator) -> None:
    page = await operator.go(f"/returns/{NUMBER}")
    files = [address for address in page.addresses if address.startswith("/static/")]
    own = {f"{name}.css" for name in templating.SHEETS} | {"hub.js", "mark.svg", "icons.svg"}
    assert {address.partition("#")[0].rpartition("/")[2] for address in files} == {
        *own,
        "warehouse_app.css",
        "desk.css",
        "icon.svg",
    }
    for address in files:
        answer = await operator.client.get(address)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", answer.text)
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in page.addresses)
