"""What stands before every call of the API: the key, the limits, the faults, and the memory of all calls."""

import asyncio
from time import monotonic

from litestar.types import ASGIApp, Message

from connectors.channelengine.sandbox import answers, inspection, shifting
from connectors.channelengine.sandbox.answers import JSON_HEADERS, Answer
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.calls import Call
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.exchanges import MOST_BYTES, Exchange
from connectors.channelengine.sandbox.faults import Fault
from connectors.channelengine.sandbox.inspection import Finding
from connectors.channelengine.sandbox.knock import LONGEST_URL, Knock
from connectors.channelengine.sandbox.meter import INTERVAL_MINUTES, TooManyCalls
from connectors.channelengine.sandbox.query import Query
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.spoiling import HARMLESS, UNDONE, spoil
from connectors.channelengine.sandbox.tenancy import Violation
from connectors.channelengine.sandbox.vendor import Vendor
from connectors.channelengine.sandbox.weather import OF_LISTS, Effect, Kind

DROPS = frozenset({Kind.DROP_BEFORE, Kind.DROP_AFTER})
HOLDS = frozenset({Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER})
REMEMBERED = {Effect.SETTLE: inspection.settled, Effect.CREATE: inspection.created}


class Gate:
    """Lets a call through, or refuses it, or plays the fault that is due; what is done is durable before it is told."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    async def handle(self, knock: Knock, api: ASGIApp) -> None:
        """Answer one call and remember it."""
        self.vendor.catch_up()
        book = self._known(knock)
        fault, done = None, None
        if book is not None:
            self._watch(knock, book)
        answer = self._refuse(knock, book)
        if answer is None:
            fault = self.vendor.faults.draw(knock.tenant, knock.effect)
            answer, done = await self._play(fault, knock, api)
        await self.vendor.durable()
        if fault is not None and fault.kind in DROPS:
            self._remember(knock, fault, done, "dropped", answer)
            await knock.hang_up()
            return
        told = await self._tell(fault, answer, knock)
        self._remember(knock, fault, done, told, answer)
        if book is not None:
            self._follow(knock, book, fault, answer, told)
        if fault is not None and fault.kind is Kind.CUT:
            await knock.hang_up()

    def _known(self, knock: Knock) -> Book | None:
        """Return the book of the tenant whose key was shown."""
        book = self.vendor.books.get(knock.tenant)
        return book if book is not None and book.terms.key == knock.key else None

    def _watch(self, knock: Knock, book: Book) -> None:
        """Write down what a correct client would not have sent."""
        findings = list(inspection.inspect(knock, book))
        if self.vendor.patience.tried(knock.tenant, knock.endpoint, self.vendor.now(), monotonic()):
            findings.append(Finding("too_early", f"{knock.endpoint} was to be left alone for longer."))
        if findings:
            at, method, path = self.vendor.now(), knock.method, knock.path
            seen = (Violation(at=at, method=method, path=path, **found._asdict()) for found in findings)
            self.vendor.commit(Change(tenant=book.tenant, violations=tuple(seen)))

    def _refuse(self, knock: Knock, book: Book | None) -> Answer | None:
        """Return the answer to a call that may not pass, or None."""
        if len(knock.url) > LONGEST_URL:
            return answers.refusal(Refusal(414, f"The request URL is longer than {LONGEST_URL} characters."))
        if book is None:
            return answers.unknown_key(knock.key)
        try:
            self.vendor.meter.count(knock.tenant, knock.endpoint, self.vendor.now())
        except TooManyCalls as error:
            return answers.too_many(str(error.retry_after_seconds))
        return None

    async def _play(self, fault: Fault | None, knock: Knock, api: ASGIApp) -> tuple[Answer, int | None]:
        """Do the work, unless the fault forbids it; return what to tell and the work's own status."""
        if fault is None:
            answer = await _work(knock, api)
            return answer, answer.status
        if fault.kind in UNDONE:
            return spoil(fault, None, self.vendor.now()), None
        if fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.argument / 1000)
        answer = await _work(knock, api)
        return spoil(fault, answer, self.vendor.now()), answer.status

    async def _tell(self, fault: Fault | None, answer: Answer, knock: Knock) -> str:
        """Give the caller the answer, or not, and return what the caller knows now."""
        if fault is not None and fault.kind in HOLDS and await knock.leaves(fault.argument):
            return "held"
        left = self.vendor.meter.left(knock.tenant, knock.endpoint, self.vendor.now())
        headers = [
            *answer.headers,
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-rate-limit-limit", str(INTERVAL_MINUTES).encode()),
            (b"x-rate-limit-remaining", str(left).encode()),
        ]
        cut = fault is not None and fault.kind is Kind.CUT
        body = answer.body[: len(answer.body) // 2] if cut else answer.body
        await knock.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await knock.send({"type": "http.response.body", "body": body, "more_body": cut})
        return "cut" if cut else str(answer.status)

    def _follow(self, knock: Knock, book: Book, fault: Fault | None, answer: Answer, told: str) -> None:
        """Do what follows from an answer: remember what the caller was promised or asked, and move lists."""
        wait = next((value for name, value in answer.headers if name == b"retry-after"), None)
        if answer.status == 429 and wait is not None:  # noqa: PLR2004 - too many calls
            seconds = float(wait) if wait.isdigit() else fault.argument if fault else 0.0
            self.vendor.patience.ask(knock.tenant, knock.endpoint, seconds, self.vendor.now(), monotonic())
        understood = fault is None or fault.kind in HARMLESS
        if knock.effect in REMEMBERED and understood and told in {"200", "201"}:
            name = REMEMBERED[knock.effect](inspection.read(knock))
            self.vendor.commit(Change(tenant=book.tenant, told=(name,)))
        if fault is not None and fault.kind in OF_LISTS and told == "200":
            shifting.move(self.vendor, book, fault, answer, Query(knock.query).page())

    def _remember(self, knock: Knock, fault: Fault | None, done: int | None, told: str, answer: Answer) -> None:
        at, text = self.vendor.now(), fault.text if fault else None
        call = Call(
            at=at,
            tenant=knock.tenant,
            method=knock.method,
            path=knock.path,
            query=knock.query_without_key,
            effect=knock.effect,
            fault=text,
            done=done,
            told=told,
        )
        self.vendor.calls.add(call)
        exchange = Exchange(
            at=at,
            method=knock.method,
            path=knock.path,
            query=call.query,
            request=knock.body,
            status=answer.status if told.isdigit() else None,
            response=answer.body[:MOST_BYTES],
            fault=text,
        )
        self.vendor.exchanges.add(knock.tenant, exchange)


async def _work(knock: Knock, api: ASGIApp) -> Answer:
    """Let the API answer into memory."""
    status, body, headers = 500, bytearray(), JSON_HEADERS

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = tuple(pair for pair in message["headers"] if pair[0] != b"content-length")
        elif message["type"] == "http.response.body":
            body.extend(message["body"])

    await api(knock.scope, knock.receive, keep)
    return Answer(status, bytes(body), headers)
