import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from connectors.channelengine.sandbox import create_app

API = "/noordzee/api/v2"
NOON = datetime(2025, 2, 10, 12, 0, 0, 123456, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(tenants={"noordzee": "right", "zuidzee": "other"}, clock=clock)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers={"X-CE-KEY": "right"}) as made:
        yield made


async def sell(client: httpx.AsyncClient, number: str = "SO-1", **more: object) -> dict[str, Any]:
    line = {"merchant_product_no": "SHOE", "quantity": 5, "unit_price_incl_vat": "24.95", "gtin": "8712345678906"}
    sale = {"merchant_order_no": number, "channel_id": 7, "global_channel_name": "Kaufland", "lines": [line], **more}
    answer = await client.post("/_sandbox/noordzee/orders", json=sale)
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made


async def send_back(client: httpx.AsyncClient, number: str = "C-1", order: str = "SO-1", **more: object) -> int:
    lines = [{"merchant_product_no": "SHOE", "quantity": 1}]
    back = {"channel_return_no": number, "merchant_order_no": order, "lines": lines, **more}
    answer = await client.post("/_sandbox/noordzee/channel-returns", json=back)
    answer.raise_for_status()
    return int(answer.json()["id"])


async def listed(client: httpx.AsyncClient, path: str, **query: object) -> list[int]:
    answer = await client.get(API + path, params=query)  # type: ignore[arg-type]  # any mapping of values will do
    assert answer.status_code == 200, answer.text
    return [item["Id"] for item in answer.json()["Content"]]


def an_update(return_id: int, accepted: int = 1, rejected: int = 0) -> dict[str, Any]:
    line = {"MerchantProductNo": "SHOE", "AcceptedQuantity": accepted, "RejectedQuantity": rejected}
    return {"ReturnId": return_id, "Lines": [line]}


def a_return(number: str = "M-1", order: str = "SO-1", quantity: int = 1) -> dict[str, Any]:
    lines = [{"MerchantProductNo": "SHOE", "Quantity": quantity}]
    return {"MerchantOrderNo": order, "MerchantReturnNo": number, "Reason": "WRONG_SIZE", "Lines": lines}


@pytest.mark.parametrize("spelling", ["apikey", "apiKey", "APIKEY"])
async def test_the_key_is_taken_from_the_query_too_in_any_spelling(client: httpx.AsyncClient, spelling: str) -> None:
    del client.headers["X-CE-KEY"]
    assert (await client.get(f"{API}/settings", params={spelling: "right"})).status_code == 200


@pytest.mark.parametrize("path", [f"{API}/settings", "/zuidzee/api/v2/settings", "/nowhere/api/v2/settings"])
async def test_a_wrong_key_or_tenant_is_told_the_key_it_sent(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"X-CE-KEY": "wrong"})
    assert answer.status_code == 401
    assert answer.json() == {
        "StatusCode": 401,
        "LogId": None,
        "Success": False,
        "Message": "API key is unknown: wrong",
        "ValidationErrors": {},
    }


async def test_a_call_without_a_key_is_not_let_in(client: httpx.AsyncClient) -> None:
    del client.headers["X-CE-KEY"]
    assert (await client.put(f"{API}/returns", json=an_update(1))).status_code == 401


async def test_tenants_see_nothing_of_each_other(client: httpx.AsyncClient) -> None:
    await sell(client)
    await send_back(client)
    client.headers["X-CE-KEY"] = "other"
    for path in ("orders", "returns", "returns/merchant/new", "returns/merchant/SO-1"):
        assert (await client.get(f"/zuidzee/api/v2/{path}")).json()["TotalCount"] == 0
    assert (await client.put("/zuidzee/api/v2/returns", json=an_update(1))).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/returns", 405), ("GET", "/returns/merchant/A/B", 404)],
)
async def test_an_unknown_call_is_refused_in_the_envelope(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, API + path)
    assert (answer.status_code, answer.json()["StatusCode"], answer.json()["Success"]) == (status, status, False)


async def test_every_answer_says_what_is_left_of_the_interval(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get(f"{API}/settings"),
        await client.get(f"{API}/nothing"),
        await client.get(f"{API}/settings", headers={"X-CE-KEY": "wrong"}),
    ):
        assert answer.headers.get_list("content-length") == [str(len(answer.content))]
        assert answer.headers["x-rate-limit-limit"] == "1"
        assert int(answer.headers["x-rate-limit-remaining"]) > 0


async def test_too_many_calls_of_one_endpoint_are_told_when_to_come_back(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    await client.put("/_sandbox/limits", json={"calls_per_minute": 2})
    clock.at = NOON.replace(second=48)
    statuses = [(await client.get(f"{API}/settings")).status_code for _ in range(3)]
    refused = await client.get(f"{API}/settings")
    assert statuses == [200, 200, 429]
    assert (refused.headers["retry-after"], refused.headers["x-rate-limit-remaining"]) == ("12", "0")
    assert (await client.get(f"{API}/channels")).status_code == 200
    clock.at += timedelta(seconds=12)
    assert (await client.get(f"{API}/settings")).status_code == 200


async def test_a_url_is_at_most_1048_characters_long(client: httpx.AsyncClient) -> None:
    url = f"{API}/orders?merchantOrderNos="
    longest = 1048 - len("http://sandbox" + url)
    assert (await client.get(url + "x" * longest)).status_code == 200
    assert (await client.get(url + "x" * (longest + 1))).status_code == 414


async def test_moments_are_written_with_seven_digits(client: httpx.AsyncClient) -> None:
    await sell(client)
    await send_back(client)
    (found,) = (await client.get(f"{API}/returns")).json()["Content"]
    assert found["CreatedAt"] == "2025-02-10T12:00:00.1234560Z"
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{7}Z", found["ReturnDate"])


async def test_the_two_kinds_of_return_lists_differ_in_whose_returns_they_show(client: httpx.AsyncClient) -> None:
    await sell(client)
    theirs = await send_back(client)
    await client.post(f"{API}/returns/merchant", json=a_return())
    assert await listed(client, "/returns") == [theirs, 2]
    assert await listed(client, "/returns", creatorType="ONLY_FROM_MERCHANT") == [2]
    assert await listed(client, "/returns", creatorType="ONLY_FROM_CHANNEL") == [theirs]
    assert await listed(client, "/returns/merchant") == [theirs]


async def test_acknowledging_takes_a_return_off_the_unacknowledged_but_not_off_the_new_ones(
    client: httpx.AsyncClient,
) -> None:
    await sell(client)
    return_id = await send_back(client)
    number = {"ReturnId": return_id, "MerchantReturnNo": "RMA-1"}
    assert (await client.post(f"{API}/returns/merchant/acknowledge", json=number)).status_code == 200
    assert await listed(client, "/returns/merchant", isAcknowledged=False) == []
    assert await listed(client, "/returns/merchant", isAcknowledged=True) == [return_id]
    assert await listed(client, "/returns/merchant/new") == [return_id]


async def test_returns_are_narrowed_by_repeated_parameters(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await sell(client, f"SO-{number}", channel_id=number)
        await send_back(client, f"C-{number}", f"SO-{number}", reason=["WRONG_SIZE", "REFUSED", "OTHER"][number])
    await client.put(f"{API}/returns", json=an_update(1))
    assert await listed(client, "/returns", merchantOrderNos=["SO-0", "SO-2"]) == [1, 3]
    assert await listed(client, "/returns", channelOrderNos=["CH-SO-1"]) == [2]
    assert await listed(client, "/returns", reasons=["REFUSED", "OTHER"]) == [2, 3]
    assert await listed(client, "/returns", channelIds=[0, 1]) == [1, 2]
    assert await listed(client, "/returns", statuses=["RECEIVED", "CANCELLED"]) == [1]
    assert await listed(client, "/returns/merchant/new", channelIds=2) == [3]
    assert await listed(client, "/returns", merchantOrderNos="") == []


async def test_the_created_period_includes_its_start_and_excludes_its_end(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    await sell(client)
    for number in range(3):
        clock.at = NOON + timedelta(hours=number)
        await send_back(client, f"C-{number}")
    period = {"fromDate": (NOON + timedelta(hours=1)).isoformat(), "toDate": (NOON + timedelta(hours=2)).isoformat()}
    assert await listed(client, "/returns/merchant", **period) == [2]


async def test_an_unescaped_plus_in_a_date_is_a_space_and_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/returns?fromDate=2025-02-10T12:00:00+01:00")
    assert (answer.status_code, list(answer.json()["ValidationErrors"])) == (400, ["fromDate"])


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/returns", "statuses=NEW", "statuses"),
        ("/returns", "statuses=IN_PROGRESS,RECEIVED", "statuses"),
        ("/returns", "creatorType=ME", "creatorType"),
        ("/returns", "fulfillmentType=NOBODY", "fulfillmentType"),
        ("/returns/merchant", "reasons=BORED", "reasons"),
        ("/returns/merchant", "isAcknowledged=maybe", "isAcknowledged"),
        ("/returns/merchant/new", "channelIds=one", "channelIds"),
        ("/returns/merchant/new", "page=0", "page"),
        ("/orders", "statuses=LOST", "statuses"),
        ("/orders", "stockLocationIds=1", "stockLocationIds"),
        ("/notifications", "types=GOSSIP", "types"),
    ],
)
async def test_a_filter_that_is_wrong_is_named(client: httpx.AsyncClient, path: str, query: str, field: str) -> None:
    answer = await client.get(f"{API}{path}?{query}")
    assert (answer.status_code, list(answer.json()["ValidationErrors"])) == (400, [field])


async def test_an_unknown_parameter_is_ignored(client: httpx.AsyncClient) -> None:
    assert await listed(client, "/returns", pageSize=500) == []


async def test_lists_count_what_they_show_and_all_there_is(client: httpx.AsyncClient) -> None:
    await sell(client, lines=[{"merchant_product_no": "SHOE", "quantity": 130}])
    for number in range(130):
        await send_back(client, f"C-{number}")
    pages = [(await client.get(f"{API}/returns/merchant", params={"page": page})).json() for page in (1, 2, 3)]
    counts = [(page["Count"], page["TotalCount"], page["ItemsPerPage"], len(page["Content"])) for page in pages]
    assert counts == [(100, 130, 100, 100), (30, 130, 100, 30), (0, 130, 100, 0)]


async def test_orders_are_found_by_each_of_their_numbers(client: httpx.AsyncClient) -> None:
    await sell(client, "SO-1", channel_order_no="X", commercial_order_no="BOL-1", channel_id=1)
    await sell(client, "SO-2", channel_order_no="X", commercial_order_no="BOL-2", channel_id=2, status="NEW")
    assert await listed(client, "/orders", merchantOrderNos=["SO-2", "SO-1"]) == [1, 2]
    assert await listed(client, "/orders", channelOrderNos="X", channelIds=2) == [2]
    assert await listed(client, "/orders", commercialOrderNos="BOL-1") == [1]
    assert await listed(client, "/orders", statuses="SHIPPED") == [1]
    assert await listed(client, "/orders", merchantOrderNos="SO-3") == []


async def test_an_order_awaiting_payment_is_shown_only_when_asked_for(client: httpx.AsyncClient) -> None:
    await sell(client, status="AWAITING_PAYMENT")
    assert await listed(client, "/orders") == []
    assert await listed(client, "/orders", statuses="AWAITING_PAYMENT") == [1]


async def test_an_order_the_merchant_has_not_acknowledged_has_no_number_on_its_returns(
    client: httpx.AsyncClient,
) -> None:
    await sell(client, None, channel_order_no="X")  # type: ignore[arg-type]  # that is the point
    await send_back(client, order=None, channel_order_no="X")  # type: ignore[arg-type]  # that is the point
    (found,) = (await client.get(f"{API}/returns/merchant")).json()["Content"]
    assert (found["MerchantOrderNo"], found["ChannelOrderNo"]) == (None, "X")


async def test_one_orders_returns_tell_what_was_accepted_and_rejected(client: httpx.AsyncClient) -> None:
    await sell(client)
    return_id = await send_back(client, lines=[{"merchant_product_no": "SHOE", "quantity": 3}])
    (line,) = (await client.get(f"{API}/returns/merchant/SO-1")).json()["Content"][0]["Lines"]
    assert (line["AcceptedQuantity"], line["RejectedQuantity"]) == (None, None)
    assert (await client.put(f"{API}/returns", json=an_update(return_id, 2, 1))).status_code == 200
    (found,) = (await client.get(f"{API}/returns/merchant/SO-1")).json()["Content"]
    (line,) = found["Lines"]
    assert (found["Status"], line["AcceptedQuantity"], line["RejectedQuantity"]) == ("RECEIVED", 2, 1)


async def test_an_order_number_is_escaped_in_the_path(client: httpx.AsyncClient) -> None:
    await sell(client, "SO/1 +ä")
    await send_back(client, order="SO/1 +ä")
    assert await listed(client, "/returns/merchant/SO%2F1%20%2B%C3%A4") == [1]


async def test_an_unknown_order_has_no_returns(client: httpx.AsyncClient) -> None:
    assert await listed(client, "/returns/merchant/SO-404") == []


async def test_creating_answers_201_without_saying_which_id_it_got(client: httpx.AsyncClient) -> None:
    await sell(client)
    answer = await client.post(f"{API}/returns/merchant", json=a_return())
    assert (answer.status_code, answer.json()["StatusCode"]) == (201, 201)
    assert "Content" not in answer.json()
    (found,) = (await client.get(f"{API}/returns/merchant/SO-1")).json()["Content"]
    assert (found["MerchantReturnNo"], found["Reason"], found["Status"]) == ("M-1", "WRONG_SIZE", "RECEIVED")


async def test_creating_the_same_number_twice_is_a_conflict_and_one_refund(client: httpx.AsyncClient) -> None:
    await sell(client)
    answers = [(await client.post(f"{API}/returns/merchant", json=a_return())).status_code for _ in range(2)]
    assert answers == [201, 409]
    assert len((await client.get("/_sandbox/noordzee/ledger")).json()["entries"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"MerchantReturnNo": None}, "MerchantReturnNo"),
        ({"MerchantReturnNo": ""}, "MerchantReturnNo"),
        ({"MerchantReturnNo": "x" * 51}, "MerchantReturnNo"),
        ({"Lines": []}, "Lines"),
        ({"Reason": "BORED"}, "Reason"),
        ({"Reason": None}, "Reason"),
        ({"RefundInclVat": -1}, "RefundInclVat"),
        ({"ReturnDate": "yesterday"}, "ReturnDate"),
        ({"Lines": [{"MerchantProductNo": "SHOE"}]}, "Lines[0].Quantity"),
        ({"Lines": [{"MerchantProductNo": "SHOE", "Quantity": -1}]}, "Lines[0].Quantity"),
        ({"Lines": [{"MerchantProductNo": "SHOE", "Quantity": 1.5}]}, "Lines[0].Quantity"),
        ({"Lines": [{"MerchantProductNo": "SHOE", "Quantity": 6}]}, "Lines[0].Quantity"),
    ],
)
async def test_a_field_that_is_wrong_is_named(client: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    await sell(client)
    answer = await client.post(f"{API}/returns/merchant", json={**a_return(), **change})
    assert (answer.status_code, list(answer.json()["ValidationErrors"])) == (400, [field])


@pytest.mark.parametrize("field", ["MerchantOrderNo", "MerchantReturnNo", "Lines"])
async def test_a_field_that_is_missing_is_named(client: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in a_return().items() if name != field}
    answer = await client.post(f"{API}/returns/merchant", json=body)
    assert answer.json()["ValidationErrors"] == {field: [f"The {field} field is required."]}


async def test_an_update_without_rejected_quantities_is_refused(client: httpx.AsyncClient) -> None:
    lines = [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 1}]
    answer = await client.put(f"{API}/returns", json={"ReturnId": 1, "Lines": lines})
    errors = {"Lines[0].RejectedQuantity": ["The RejectedQuantity field is required."]}
    assert (answer.status_code, answer.json()["ValidationErrors"]) == (400, errors)


async def test_a_body_that_is_no_json_is_refused_in_the_envelope(client: httpx.AsyncClient) -> None:
    answer = await client.put(f"{API}/returns", content=b'{"ReturnId": 1', headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["Success"]) == (400, False)


@pytest.mark.parametrize(
    ("media", "status"),
    [("application/json; charset=utf-8", 404), ("application/json-patch+json", 404), ("text/plain", 415)],
)
async def test_a_body_has_to_say_that_it_is_json(client: httpx.AsyncClient, media: str, status: int) -> None:
    body = b'{"ReturnId": 1, "Lines": [{"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 0}]}'
    answer = await client.put(f"{API}/returns", content=body, headers={"content-type": media})
    assert answer.status_code == status


async def test_notifications_are_found_by_the_return_they_are_about_and_by_type(client: httpx.AsyncClient) -> None:
    await sell(client)
    for number in (1, 2):
        await send_back(client, f"C-{number}")
        asked = {"ReturnId": number, "MerchantReturnNo": f"M-{number}"}
        await client.post(f"{API}/returns/merchant/acknowledge", json=asked)
        told = {"return_id": number, "type": "CHANNEL_RETURN_EXPORT_FAILED", "message": "No balance"}
        assert (await client.post("/_sandbox/noordzee/notifications", json=told)).status_code == 201
    assert await listed(client, "/notifications", merchantReturnNos="M-2") == [2]
    assert await listed(client, "/notifications", channelReturnNos="C-1", merchantReturnNos="M-2") == []
    assert await listed(client, "/notifications", types="CHANNEL_RETURN_EXPORT_FAILED") == [1, 2]
    assert await listed(client, "/notifications", types="CHANNEL_RETURN_NEW") == []
    assert await listed(client, "/notifications", merchantReturnNos="M-3") == []


async def test_an_order_has_a_shipment_once_it_is_shipped(client: httpx.AsyncClient) -> None:
    await sell(client, "SO-1", return_track_trace_no="3SRETURN")
    await sell(client, "SO-2", status="NEW")
    (shipment,) = (await client.get(f"{API}/shipments/merchant")).json()["Content"]
    assert (shipment["MerchantOrderNo"], shipment["ReturnTrackTraceNo"]) == ("SO-1", "3SRETURN")


async def test_channels_are_those_the_tenant_has_sold_on(client: httpx.AsyncClient) -> None:
    await sell(client, "SO-1", channel_id=1)
    await sell(client, "SO-2", channel_id=2)
    (marketplace,) = (await client.get(f"{API}/channels")).json()["Content"]
    assert marketplace["GlobalChannelName"] == "Kaufland"
    assert [channel["ChannelId"] for channel in marketplace["Channels"]] == [1, 2]
