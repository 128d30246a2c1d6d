import asyncio
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.kit import egress_wire
from hub.kit.addresses import Address
from hub.kit.egress import Allow, Egress, EgressClient, EgressRefused, NotSent, SentUnknown
from tests.support.loopback import CANARY, OK, Handler, Server, answering, egress_to, fixed, serving, silent, until

# -- not sent


async def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(NotSent, match=rf"127\.0\.0\.1:{port}: ConnectError"):
            await Egress(allow=Allow.parse("127.0.0.1")).client(f"http://127.0.0.1:{port}").request("POST", "/")


@pytest.mark.parametrize("fault", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
async def test_a_name_that_is_not_found_is_not_sent(fault: Exception) -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        raise fault

    with pytest.raises(NotSent, match="not found"):
        await Egress(allow=Allow(), resolver=resolve).client("https://vendor.example").request("GET", "/")


@pytest.mark.parametrize("answers", [[], ["not an address"]])
async def test_a_name_without_addresses_is_not_sent(answers: list[str], dialled: list[str]) -> None:
    with pytest.raises(NotSent, match="address"):
        await Egress(allow=Allow(), resolver=fixed(answers)).client("https://vendor.example").request("GET", "/")
    assert dialled == []


async def test_a_deadline_during_the_lookup_is_not_sent_and_later_requests_join_the_same_lookup() -> None:
    asked = 0
    answer = asyncio.get_running_loop().create_future()

    async def resolve(_: str, __: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return [await answer]

    client = Egress(allow=Allow(), resolver=resolve).client("https://vendor.example")
    with pytest.raises(NotSent, match="no whole answer"):
        await client.request("GET", "/", deadline=0.01)
    calls = [asyncio.create_task(client.request("GET", "/")) for _ in range(5)]
    await asyncio.sleep(0.01)
    answer.set_result("10.0.0.1")
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [EgressRefused] * 5
    assert asked == 1


async def test_a_failed_lookup_that_nobody_waits_for_any_more_is_forgotten_quietly() -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        await asyncio.sleep(0.01)
        raise socket.gaierror

    egress = Egress(allow=Allow(), resolver=resolve)
    with pytest.raises(NotSent):
        await egress.client("https://vendor.example").request("GET", "/", deadline=0.001)
    await until(lambda: not egress._lookups)


async def test_a_connection_that_is_never_accepted_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    monkeypatch.setattr(egress_wire, "CONNECT_SECONDS", 0.01)
    with pytest.raises(NotSent, match="in time"):
        await Egress(allow=Allow.parse("127.0.0.1")).client("http://127.0.0.1").request("GET", "/")


async def test_a_deadline_that_has_passed_sends_nothing_even_on_an_open_connection() -> None:
    async with serving(answering(OK)) as vendor:
        client = egress_to(vendor).client(vendor.url)
        await client.request("GET", "/")
        for deadline in (0, -1.0):
            with pytest.raises(NotSent, match="deadline"):
                await client.request("POST", "/", deadline=deadline)
    assert len(vendor.requests) == 1


async def test_a_deadline_while_waiting_for_a_free_slot_is_not_sent() -> None:
    async with serving(silent) as vendor:
        client = egress_to(vendor, max_in_flight=1).client(vendor.url)
        first = asyncio.create_task(client.request("POST", "/"))
        await until(lambda: vendor.requests)
        with pytest.raises(NotSent):
            await client.request("POST", "/", deadline=0.01)
        first.cancel()
        await asyncio.wait([first])
    assert len(vendor.requests) == 1


async def test_a_connection_the_vendor_closed_while_idle_is_replaced() -> None:
    async with serving(answering(OK, close="yes")) as vendor:
        client = egress_to(vendor).client(vendor.url)
        for _ in range(3):
            assert (await client.request("POST", "/")).status_code == 200
            await until(client._connections.idle[0].http.has_expired)
    assert vendor.connections == 3


@pytest.mark.parametrize("unasked", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_a_connection_that_ended_behind_the_pools_back_is_certainly_not_sent(
    unasked: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(vendor: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await vendor.read(reader)
            writer.write(OK)
            await asyncio.sleep(0.01)
            writer.write(unasked)
            if unasked:
                await vendor.read(reader)

        return handle

    async with serving(make) as vendor:
        client = egress_to(vendor).client(vendor.url)
        await client.request("POST", "/")
        await until(client._connections.idle[0].http.has_expired)
        with monkeypatch.context() as patch:
            patch.setattr(egress_wire._Socket, "get_extra_info", lambda *_: None)  # the pool sees nothing wrong
            with pytest.raises(NotSent, match="before the request"):
                await client.request("POST", "/")
        assert len(vendor.requests) == 1
        assert (await client.request("POST", "/")).status_code == 200


# -- sent, outcome unknown


@pytest.mark.parametrize(
    ("pieces", "status", "words"),
    [
        ([], None, "disconnected"),
        ([b"HTTP/1.1 200 OK\r\nContent-Le"], None, "RemoteProtocolError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"], 200, "RemoteProtocolError"),
        ([b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"], 201, "RemoteProtocolError"),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], None, "RemoteProtocolError"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000], None, "RemoteProtocolError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"], None, "RemoteProtocolError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok"], 200, "not asked for"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"], 200, "error"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello")[:-5]], 200, "cut off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2_000], 200, "longer than 1000 bytes"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 100] * 20], 200, "longer than 1000 bytes"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 5_000_000)], 200, "longer than"),
    ],
)
async def test_an_answer_that_cannot_be_used_leaves_the_outcome_unknown(
    pieces: list[bytes], status: int | None, words: str
) -> None:
    async with serving(answering(*pieces, close="yes")) as vendor:
        client = egress_to(vendor, max_body_bytes=1_000).client(vendor.url)
        with pytest.raises(SentUnknown, match=words) as caught:
            await client.request("POST", "/refunds", content=b"{}")
    assert caught.value.status == status
    assert len(vendor.requests) == 1


async def test_a_packed_answer_is_never_unpacked_beyond_its_room() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield gzip.compress(bytes(50_000_000))

    trip = egress_wire.Trip("GET", httpx.URL("https://vendor.example"), "", b"")
    trip.headers = httpx.Headers({"content-encoding": "gzip"})
    with pytest.raises(egress_wire.Unusable):
        await egress_wire._collect(trip, stream(), limit=1_000)
    assert len(trip.answer) == 1_001


class Transport(asyncio.Transport):
    """Keeps what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")

    def write(self, _: object) -> None:
        self.asked.append("write")


async def test_what_nobody_reads_is_not_piled_up() -> None:
    transport, opened = Transport(), egress_wire._Socket()
    opened.connection_made(transport)
    opened.data_received(b"x" * 300_000)
    assert transport.asked == ["pause"]
    assert len(await opened.read(100_000)) == 100_000
    assert transport.asked == ["pause", "resume"]


@pytest.mark.parametrize("release", ["resume_writing", "eof_received"])
async def test_a_write_waits_while_the_other_side_takes_nothing(release: str) -> None:
    transport, opened = Transport(), egress_wire._Socket()
    opened.connection_made(transport)
    opened.pause_writing()
    writing = asyncio.create_task(opened.write(b"x"))
    await asyncio.sleep(0)
    assert transport.asked == ["write"]
    assert not writing.done()
    getattr(opened, release)()
    await writing


async def test_a_vendor_that_resets_the_connection_leaves_the_outcome_unknown() -> None:
    def make(vendor: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await vendor.read(reader)
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

        return handle

    async with serving(make) as vendor:
        with pytest.raises(SentUnknown, match="ReadError"):
            await egress_to(vendor).client(vendor.url).request("POST", "/")


@pytest.mark.parametrize(("before", "status"), [(b"", None), (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 200)])
async def test_a_vendor_that_drips_bytes_meets_the_deadline(before: bytes, status: int | None) -> None:
    drops = [b"H", b"T", b"T", b"P", b"/", *[b"1"] * 95] if status is None else [b"x"] * 100
    async with serving(answering(before, *drops, pause=0.01)) as vendor:
        started = time.perf_counter()
        with pytest.raises(SentUnknown, match=r"no whole answer within 0\.2 s") as caught:
            await egress_to(vendor, timeout_seconds=0.2).client(vendor.url).request("POST", "/")
        assert time.perf_counter() - started < 2
    assert caught.value.status == status


async def test_a_vendor_that_reads_nothing_meets_the_deadline() -> None:
    def make(_: Server) -> Handler:
        async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            cast("asyncio.Transport", writer.transport).pause_reading()
            await asyncio.sleep(30)

        return handle

    async with serving(make) as vendor:
        with pytest.raises(SentUnknown, match="no whole answer"):
            await egress_to(vendor).client(vendor.url).request("POST", "/", content=bytes(20_000_000), deadline=0.2)


async def test_a_large_request_and_a_large_answer_pass_whole() -> None:
    size = 3_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size
    async with serving(answering(answer)) as vendor:
        response = await egress_to(vendor).client(vendor.url).request("POST", "/", content=b"x" * size)
    assert response.content == b"y" * size
    assert vendor.requests[0].endswith(b"x" * size)


async def test_an_answer_given_before_the_request_was_read_is_an_answer() -> None:
    def make(_: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            while await reader.read(1_000_000):
                pass

        return handle

    async with serving(make) as vendor:
        response = await egress_to(vendor).client(vendor.url).request("POST", "/", content=bytes(3_000_000))
    assert response.status_code == 413


async def test_missed_deadlines_leave_no_slot_and_no_connection_taken() -> None:
    awake: list[bool] = []
    async with serving(lambda vendor: answering(OK)(vendor) if awake else silent(vendor)) as vendor:
        client = egress_to(vendor, max_in_flight=4).client(vendor.url)
        for _ in range(10):
            calls = [client.request("POST", "/", deadline=0.03) for _ in range(8)]
            missed = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(one) for one in missed} <= {SentUnknown, NotSent}  # four on their way, four in front
        assert client._connections.idle == []
        awake.append(True)
        answers = await asyncio.gather(*(client.request("POST", "/") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20


# -- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority for wms.test, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wms.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("wms.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "wms.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def client_for(vendor: Server, host: str, certificate: Path | None) -> EgressClient:
    tls = ssl.create_default_context(cafile=str(certificate)) if certificate else None
    egress = Egress(allow=Allow.parse(f"{host},127.0.0.1"), resolver=fixed(["127.0.0.1"]), tls=tls)
    return egress.client(f"https://{host}:{vendor.port}")


def server_side(certificate: Path, asked: list[str | None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)
    return context


async def test_tls_asks_for_the_name_and_checks_it_though_the_address_is_pinned(certificate: Path) -> None:
    asked: list[str | None] = []
    async with serving(answering(OK), tls=server_side(certificate, asked)) as vendor:
        client = client_for(vendor, "wms.test", certificate)
        for _ in range(3):
            assert (await client.request("POST", "/", content=b"x" * 300_000)).text == "ok"
        await client.aclose()
    assert asked == ["wms.test"]
    assert vendor.connections == 1
    assert f"host: wms.test:{vendor.port}\r\n".encode() in vendor.requests[0]


@pytest.mark.parametrize("host", ["other.test", "wms.test"])
async def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_not_sent(
    host: str, certificate: Path
) -> None:
    async with serving(answering(OK), tls=server_side(certificate, [])) as vendor:
        client = client_for(vendor, host, certificate if host == "other.test" else None)
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            await client.request("POST", "/", headers={"X-CE-KEY": CANARY})
    assert vendor.requests == []


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
async def test_a_server_that_does_not_speak_tls_is_not_sent(greeting: bytes, certificate: Path) -> None:
    def make(_: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            await writer.drain()
            await reader.read(10)

        return handle

    async with serving(make) as vendor:
        with pytest.raises(NotSent, match="TLS"):
            await client_for(vendor, "wms.test", certificate).request("POST", "/")


async def test_plain_bytes_ahead_of_tls_do_not_pass_for_an_answer(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = egress_wire._open

    async def slow(address: Address, port: int) -> object:
        connection = await opened(address, port)
        await asyncio.sleep(0.02)
        return connection

    def make(_: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(OK)
            await reader.read(10)

        return handle

    monkeypatch.setattr(egress_wire, "_open", slow)
    async with serving(make) as vendor:
        with pytest.raises(NotSent, match="spoke first"):
            await client_for(vendor, "wms.test", certificate).request("POST", "/")


async def test_a_handshake_that_never_ends_is_not_sent(certificate: Path) -> None:
    def make(_: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            while await reader.read(1_000):
                pass

        return handle

    async with serving(make) as vendor:
        with pytest.raises(NotSent, match="no whole answer"):
            await client_for(vendor, "wms.test", certificate).request("POST", "/", deadline=0.05)
