import asyncio
import gzip
import zlib
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address

import httpx
import msgspec
import pytest
from structlog.testing import CapturingLogger

from hub.kit import egress
from hub.kit.crypto import Secret
from hub.kit.egress import Allow, Egress, EgressError, EgressRefused, Exchange, NotSent, SentUnknown
from tests.support.loopback import CANARY, OK, PUBLIC, answering, egress_to, fixed, serving, silent, until

# -- addresses


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["100.100.100.200"],
        ["10.0.0.5"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:7f00:1::"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, PUBLIC, "fe80::1%eth0"],
    ],
)
async def test_a_name_with_any_inner_address_is_refused_before_a_packet_leaves(
    answers: list[str], dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(egress, "_log", log)
    client = Egress(allow=Allow(), resolver=fixed(answers)).client("https://vendor.example")
    with pytest.raises(EgressRefused, match="HUB_EGRESS_ALLOW") as caught:
        await client.request("GET", "/")
    assert "add vendor.example:443 to" in str(caught.value)
    assert not [answer for answer in answers if str(ip_address(answer)) in str(caught.value)]
    assert [call.kwargs["leads_to"] for call in log.calls] == [str(ip_address(answers[-1]))]
    assert dialled == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
    ],
)
async def test_every_way_to_write_loopback_is_refused(host: str, dialled: list[str]) -> None:
    for hosts in ((), ("*",)):
        with pytest.raises(EgressError) as caught:
            await Egress(allow=Allow()).client("", hosts).request("GET", f"https://{host}/")
        assert isinstance(caught.value, EgressRefused)
    assert dialled == []


async def test_a_name_that_changes_to_an_inner_address_never_gets_a_second_lookup(dialled: list[str]) -> None:
    client = Egress(allow=Allow(), resolver=fixed([PUBLIC], ["127.0.0.1"])).client("https://vendor.example")
    with pytest.raises(NotSent):
        await client.request("GET", "/")
    assert dialled == [PUBLIC]
    with pytest.raises(EgressRefused):
        await client.request("GET", "/")
    assert dialled == [PUBLIC]


async def test_the_checked_address_is_connected_to_and_the_name_kept_as_host() -> None:
    async with serving(answering(OK)) as vendor:
        allow = Allow.parse(f"127.0.0.1:{vendor.port},wms.test")
        egress = Egress(allow=allow, resolver=fixed(["127.0.0.1"], ["127.0.0.2"]))
        async with egress.client(f"http://wms.test:{vendor.port}") as client:
            for _ in range(3):
                assert (await client.request("GET", "/")).text == "ok"
    assert f"host: wms.test:{vendor.port}\r\n".encode() in vendor.requests[0]
    assert vendor.connections == 1


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with serving(answering(OK)) as vendor:
        egress = Egress(allow=Allow.parse("wms.test"), resolver=fixed(["127.0.0.9", "127.0.0.1"]))
        assert (await egress.client(f"http://wms.test:{vendor.port}").request("GET", "/")).status_code == 200


async def test_a_redirect_to_the_metadata_service_is_only_an_answer(
    dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(redirect)) as vendor:
        response = await egress_to(vendor).client(vendor.url).request("GET", "/")
    assert (response.status_code, response.headers["location"]) == (302, "http://169.254.169.254/latest")
    assert len(vendor.requests) == 1


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(answering(OK)) as vendor:
        assert (await egress_to(vendor).client(vendor.url).request("GET", "/")).status_code == 200


# -- hosts and schemes


async def test_plain_http_is_refused_unless_the_operator_names_the_host(dialled: list[str]) -> None:
    client = Egress(allow=Allow.parse("93.0.0.0/8"), resolver=fixed([PUBLIC])).client()
    with pytest.raises(EgressRefused, match=r"without encryption.*vendor\.example:80 to HUB_EGRESS_ALLOW"):
        await client.request("GET", "http://vendor.example/")
    client = Egress(allow=Allow.parse("vendor.example"), resolver=fixed([PUBLIC])).client()
    with pytest.raises(NotSent):
        await client.request("GET", "http://vendor.example/")
    assert dialled == [PUBLIC]


async def test_a_host_outside_the_connectors_patterns_is_refused_unless_the_operator_names_it(
    dialled: list[str],
) -> None:
    egress = Egress(allow=Allow.parse("sandbox.test"), resolver=fixed([PUBLIC]))
    client = egress.client("https://demo.channelengine.net/api", ["*.channelengine.net"])
    for outside in (
        "https://evil.example/",
        "https://channelengine.net/",
        "https://demo.channelengine.net.evil.example/",
    ):
        with pytest.raises(EgressRefused, match=r"\*\.channelengine\.net"):
            await client.request("GET", outside)
    assert dialled == []
    for inside in ("/v2/returns", "https://OTHER.channelengine.net./", "https://sandbox.test/"):
        with pytest.raises(NotSent):
            await client.request("GET", inside)
    assert len(dialled) == 3


async def test_without_patterns_a_client_stays_at_its_base_host(dialled: list[str]) -> None:
    client = Egress(allow=Allow(), resolver=fixed([PUBLIC])).client("https://vendor.example/api/")
    with pytest.raises(EgressRefused):
        await client.request("GET", "https://other.example/")
    assert dialled == []


@pytest.mark.parametrize(
    "url",
    [
        "", "vendor.example/api", "ftp://vendor.example/", "file:///etc/passwd", "unix:///run/x", "https://", "https:///x",
        "//vendor.example/x", f"https://user:{CANARY}@vendor.example/", "https://good.example\\@vendor.example/",
        "https://vendor.example:0/",
        "https://vendor.example:99999/", "https://a b/", "https://a%2eb/", "https://127.0.0.1%00.example/", "https://[::1/",
        "https://*.example/", f"vendor.example/x?apikey={CANARY}", "https://vendor.example\n.evil.example/",
    ],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused_and_not_shown_whole(url: str, dialled: list[str]) -> None:
    egress = Egress(allow=Allow(), resolver=fixed([PUBLIC]))
    with pytest.raises(EgressRefused, match="is not a web address") as caught:
        await egress.client().request("GET", url)
    assert CANARY not in str(caught.value)
    assert dialled == []
    if url:
        with pytest.raises(EgressRefused):
            egress.client(url)


async def test_paths_and_parameters_are_joined_to_the_base_address() -> None:
    async with serving(answering(OK)) as vendor:
        client = egress_to(vendor).client(vendor.url + "/api/?x=1#y")
        await client.request("GET", "/v2/returns?a=1 2", params=[("statuses", "A"), ("statuses", "B&C"), ("n", 1)])
        await client.request("GET", "v2/ü", params={"statuses": ["A", "B"]})
        await client.request("GET", f"{vendor.url}/whole#f")
    targets = [request.split(b" ")[1] for request in vendor.requests]
    assert targets == [
        b"/api/v2/returns?a=1%202&statuses=A&statuses=B%26C&n=1",
        b"/api/v2/%C3%BC?statuses=A&statuses=B",
        b"/whole",
    ]


# -- bodies and headers


async def test_json_is_sent_with_exact_decimals_and_never_with_a_secret() -> None:
    async with serving(answering(OK)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        await client.request("POST", "/", json={"amount": Decimal("10.10")}, headers={"X-CE-KEY": CANARY})
        assert vendor.requests[0].endswith(b'\r\n\r\n{"amount":10.10}')
        assert b"content-type: application/json\r\n" in vendor.requests[0]
        assert b"X-CE-KEY: canary" in vendor.requests[0]
        with pytest.raises(TypeError):
            await client.request("POST", "/", json={"key": Secret(CANARY)})
        with pytest.raises(ValueError, match="either json or content"):
            await client.request("POST", "/", json={}, content=b"")
        await client.request("PUT", "/", content=b"<a/>", headers={"content-type": "text/xml", "User-Agent": "x"})
        assert b"content-type: text/xml\r\n" in vendor.requests[1]
        assert b"user-agent: returns-hub" not in vendor.requests[1]
        await client.request("POST", "/")
        assert b"content-length: 0\r\n" in vendor.requests[2]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": f"{CANARY}\r\nX-B: 1"},
        {"X-A\r\nX-B": CANARY},
        {"X-A": f"{CANARY}é"},
        {"Host": "other.example"},
        {"Transfer-Encoding": "chunked"},
        {"content-length": "0"},
    ],
)
async def test_a_header_that_could_change_the_framing_is_our_fault_and_never_sent(headers: dict[str, str]) -> None:
    async with serving(answering(OK)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        with pytest.raises(ValueError, match=r"HTTP cannot carry|sets these headers") as caught:
            await client.request("GET", "/", headers=headers)
        assert CANARY not in str(caught.value)
        assert (await client.request("GET", "/")).status_code == 200
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("packing", ["gzip", "deflate", "two members"])
async def test_a_packed_answer_is_unpacked(packing: str) -> None:
    packed = {
        "gzip": gzip.compress(b"hello"),
        "deflate": zlib.compress(b"hello"),
        "two members": gzip.compress(b"he") + gzip.compress(b"llo"),
    }[packing]
    encoding = b"deflate" if packing == "deflate" else b"gzip"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(packed))
    async with serving(answering(head, *(packed[at : at + 1] for at in range(len(packed))))) as vendor:
        response = await egress_to(vendor).client(vendor.url).request("GET", "/")
    assert (response.content, response.headers["content-length"]) == (b"hello", "5")
    assert "content-encoding" not in response.headers
    assert response.elapsed > timedelta()


async def test_an_answer_knows_its_request_without_query() -> None:
    async with serving(answering(OK.replace(b"200 OK", b"404 Gone"))) as vendor:
        response = await egress_to(vendor).client(vendor.url).request("GET", "/a", params={"apikey": CANARY})
    assert str(response.url) == f"{vendor.url}/a"
    with pytest.raises(httpx.HTTPStatusError) as caught:
        response.raise_for_status()
    assert CANARY not in str(caught.value)


# -- many at once


async def test_connections_are_reused_and_no_more_than_allowed_are_under_way() -> None:
    async with serving(answering(b"", OK, pause=0.001)) as vendor:
        client = egress_to(vendor).client(vendor.url, max_in_flight=3)
        await asyncio.gather(*(client.request("GET", "/") for _ in range(30)))
    assert len(vendor.requests) == 30
    assert vendor.most_under_way == 3
    assert vendor.connections == 3


async def test_a_cancelled_call_is_cancelled_recorded_and_harmless_to_others() -> None:
    seen: list[Exchange] = []
    async with serving(lambda vendor: silent(vendor) if vendor.connections == 1 else answering(OK)(vendor)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        call = asyncio.create_task(client.request("POST", "/", on_exchange=seen.append))
        await until(lambda: vendor.requests)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.request("POST", "/")).status_code == 200
    assert [exchange.error for exchange in seen] == ["CancelledError"]


async def test_closing_an_idle_client_closes_its_connections_at_once() -> None:
    async with serving(answering(OK)) as vendor:
        async with egress_to(vendor).client(vendor.url) as client:
            await client.request("GET", "/")
            assert len(client._connections.idle) == 1
        assert client._connections.idle == []


async def test_a_client_of_several_hosts_keeps_no_more_connections_than_allowed() -> None:
    async with serving(answering(OK)) as one, serving(answering(OK)) as other:
        egress = Egress(allow=Allow.parse("127.0.0.1"), max_in_flight=2)
        async with egress.client() as client:
            for url in (one.url, other.url, "http://127.0.0.1:" + str(one.port), other.url):
                await asyncio.gather(*(client.request("GET", url) for _ in range(2)))
                assert len(client._connections.idle) <= 2
    assert (one.connections, other.connections) == (4, 4)


async def test_closing_lets_what_is_under_way_end_and_takes_nothing_new() -> None:
    async with serving(answering(b"", OK, pause=0.02)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        call = asyncio.create_task(client.request("POST", "/"))
        await asyncio.sleep(0.01)
        await client.aclose()
        with pytest.raises(NotSent, match="closed"):
            await client.request("POST", "/")
        assert (await call).status_code == 200
        assert client._connections.idle == []


# -- exchanges


async def test_an_exchange_tells_what_happened_without_query_secrets_and_personal_data() -> None:
    answer = msgspec.json.encode(
        {"Success": False, "Message": f"API key is unknown: {CANARY}", "Email": "jan@example.com"}
    )
    head = b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(answer)
    seen: list[Exchange] = []
    async with serving(answering(head + answer)) as vendor:
        client = egress_to(vendor).client(vendor.url, secrets=["tok3n-in-path"])
        await client.request(
            "POST",
            "/hooks/tok3n-in-path/returns",
            params={"apikey": CANARY, "page": 2},
            json={"Rma": "R7K3Q9ZD4AM", "password": CANARY},
            headers={"X-CE-KEY": CANARY},
            on_exchange=seen.append,
        )
    (exchange,) = seen
    assert "canary" not in repr(exchange)
    assert "tok3n" not in repr(exchange)
    assert "jan@" not in repr(exchange)
    assert exchange.url_without_query == f"{vendor.url}/hooks/•••/returns"
    assert (exchange.method, exchange.status, exchange.error) == ("POST", 401, None)
    assert exchange.request_excerpt == '?apikey=•••&page=2\n{"Rma":"R7K3Q9ZD4AM","password":"•••"}'
    assert '"Success":false' in exchange.response_excerpt
    assert 0 <= exchange.duration_ms < 20_000


async def test_exchanges_of_calls_at_the_same_time_do_not_mix() -> None:
    async with serving(answering(b"", OK, pause=0.001)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        seen: dict[int, list[Exchange]] = {number: [] for number in range(20)}
        calls = (client.request("GET", f"/{number}", on_exchange=seen[number].append) for number in seen)
        await asyncio.gather(*calls)
    assert {number: [one.url_without_query for one in seen[number]] for number in seen} == {
        number: [f"{vendor.url}/{number}"] for number in seen
    }


async def test_failures_are_recorded_with_as_much_of_the_answer_as_came() -> None:
    seen: list[Exchange] = []
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"token=" + CANARY.encode() + b" part " * 1_000
    async with serving(answering(cut, close="yes")) as vendor:
        client = egress_to(vendor).client(vendor.url)
        with pytest.raises(SentUnknown):
            await client.request("GET", "/", on_exchange=seen.append)
        with pytest.raises(EgressRefused):
            await client.request("GET", "https://127.0.0.1/", on_exchange=seen.append)
        with pytest.raises(NotSent):
            await client.request("GET", "/", deadline=0, on_exchange=seen.append)
    assert [one.status for one in seen] == [200, None, None]
    assert [(one.error or "").partition(":")[0] for one in seen] == ["SentUnknown", "EgressRefused", "NotSent"]
    assert seen[0].response_excerpt.startswith("token=••• part ")
    assert len(seen[0].response_excerpt.encode()) <= 4_096
