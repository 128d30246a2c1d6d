"""What ShipBob's connector says, and its sandbox answers, is what ShipBob's own description has."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from hub.sdk import Catalogue, Hook, SnapshotKey, Subscription
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.specimen import Specimen
from tests.support import shipbob

pytestmark = pytest.mark.skipif(not shipbob.FILE.is_file(), reason=shipbob.MISSING)


async def _road(bench: Bench) -> None:
    await bench.result("check")
    await bench.result("catalogue", Catalogue.WAREHOUSES)
    await bench.result("subscribe", Subscription(name="hub", url="https://hub.example.com/hooks/1"))
    message = await bench.announced(("SHOE", 2), ("0012-HAT", 1))
    tracked = msgspec.structs.replace(await bench.announcement(), tracking=("3SABCD0000000001",))
    await bench.result("announce", tracked)
    await bench.result("announce", tracked)
    await bench.result("amend", msgspec.structs.replace(message, lines=message.lines[:1]))
    await bench.result("withdraw", tracked)
    await bench.receive(message.return_number, ("SHOE", 1, "restock"), ("SHOE", 1, "quarantine"), complete=True)
    await bench.bring(("SHOE", 1, "dispose"))
    await bench.result("snapshot", SnapshotKey(return_number=message.return_number))
    seen = await bench.snapshot(message.return_number)
    await bench.result("snapshot", SnapshotKey(reference=seen.reference))
    await bench.walk((await bench.walk())[1])


async def test_every_request_and_every_answer_is_described() -> None:
    heard: list[httpx.Response] = []
    async with Bench.opened(Specimen("connectors.shipbob")) as bench:

        async def hear(answer: httpx.Response) -> None:
            heard.append(answer)

        bench._client.event_hooks["response"] = [hear]
        await _road(bench)
        for request in bench.wire.sent:
            shipbob.require_documented(request)
        vendors = [each for each in heard if not each.request.url.path.startswith("/_sandbox")]
        assert len(vendors) == len(bench.wire.sent)
        for answer in vendors:
            path = urlsplit(str(answer.request.url)).path
            shipbob.require_answer(answer.request.method, path, answer.status_code, await answer.aread())


async def test_pictures_and_reasons_come_with_the_goods_that_they_are_of() -> None:
    async with Bench.opened(Specimen("connectors.shipbob")) as bench:
        message = await bench.announced(("SHOE", 2))
        await bench.receive(message.return_number, ("SHOE", 1, "restock"), ("SHOE", 1, "quarantine"))
        parts = {part.word: part for part in (await bench.snapshot(message.return_number)).lines[0].parts}
        assert parts["restock"].photos == ()
        (picture,) = parts["quarantine"].photos
        assert picture.startswith("https://images.example.com/")


def test_a_recorded_hook_is_believed_once_within_five_minutes() -> None:
    specimen = Specimen("connectors.shipbob")
    path = shipbob.FILE.parent / "vectors.json"
    (vector,) = [each for each in msgspec.json.decode(path.read_bytes())["vectors"] if each["system"] == "shipbob"]
    body = (path.parent / vector["body_file"]).read_bytes()
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    settings = specimen.settings("https://api.shipbob.com", hook_secret=vector["secret"])
    sent = int(headers["webhook-timestamp"])
    for seconds, fits in ((0, True), (299, True), (301, False), (-301, False)):
        hook = Hook(headers=headers, body=body, now=datetime.fromtimestamp(sent + seconds, UTC))
        assert specimen.connector.verify(settings, hook) is fits
    for signature in vector["also_accept"].values():
        hook = Hook(headers={**headers, "webhook-signature": signature}, body=body,
                    now=datetime.fromtimestamp(sent, UTC))  # fmt: skip
        assert specimen.connector.verify(settings, hook)
    (hint,) = specimen.connector.parse(hook)
    assert (hint.key, hint.about.reference) == ("msg_fake0001", "4410021")
