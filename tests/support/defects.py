"""Mistakes that somebody could make in a good connector, each with the rule of the kit that notices it."""

from typing import NamedTuple


class Defect(NamedTuple):
    """A mistake that somebody could make: in this file, this text is that one; and the rule that notices."""

    what: str
    connector: str
    file: str
    good: str
    bad: str
    rule: str


def picqer(what: str, file: str, good: str, bad: str, rule: str) -> Defect:
    return Defect(what, "picqer", file, good, bad, rule)


def monta(what: str, file: str, good: str, bad: str, rule: str) -> Defect:
    return Defect(what, "monta", file, good, bad, rule)


VERIFY = "return hmac_base64(hook.body, hook.headers.get(HEADER), settings.hook_secrets)"
LOOKED_FOR = """        if known is not None:
            return Done(VendorReference(str(known.idreturn)))
        settings"""
ASKED = "    settings: Settings = context.settings\n    key = "
CHECKED = "        reasons = await self._list(context, Catalogue.REASONS)\n        if str("
EVENT_KEY = 'key = f"{told.idhook}:{told.event}:{told.event_triggered_at}:{told.data.idreturn}"'

DEFECTS = [
    # signatures and hooks
    picqer("a skipped signature", "connector.py", VERIFY, "return True", "unproven-hooks"),
    picqer(
        "no header, no check",
        "connector.py",
        VERIFY,
        VERIFY.replace("return ", "return HEADER not in hook.headers or "),
        "unproven-hooks",
    ),
    picqer(
        "a signature over JSON written anew",
        "connector.py",
        VERIFY,
        VERIFY.replace("hook.body", "msgspec.json.encode(msgspec.json.decode(hook.body))"),
        "raw-bytes",
    ),
    picqer(
        "a signature over a trimmed body",
        "connector.py",
        VERIFY,
        VERIFY.replace("hook.body", "hook.body.strip()"),
        "raw-bytes",
    ),
    picqer(
        "no overlap of secrets",
        "connector.py",
        VERIFY,
        VERIFY.replace("hook_secrets", "hook_secrets[:1]"),
        "genuine-hooks",
    ),
    picqer("one key for all events of a return", "hooks.py", EVENT_KEY, 'key = f"{told.data.idreturn}"', "hints"),
    picqer("another key for each delivery", "hooks.py", EVENT_KEY, 'import uuid; key = f"{uuid.uuid4()}"', "hints"),
    picqer(
        "a hook about something else than its return",
        "hooks.py",
        "reference=str(told.data.idreturn)",
        "reference=str(told.idhook)",
        "hints",
    ),
    picqer(
        "a crash over a hook that nobody can read",
        "hooks.py",
        "    told = ",
        '    len(msgspec.json.decode(body)["data"])\n    told = ',
        "unreadable-hooks",
    ),
    picqer(
        "hooks registered again and again",
        "connector.py",
        "sorted(EVENTS - {each.event for each in held})",
        "sorted(EVENTS)",
        "subscriptions",
    ),
    # doubles and losses
    picqer(
        "an announcement that looks for nothing before",
        "connector.py",
        LOOKED_FOR,
        "        settings",
        "announce-twice",
    ),
    picqer(
        "the wrong idempotency key",
        "connector.py",
        '"reference": message.return_number',
        '"reference": context.key',
        "announce",
    ),
    picqer(
        "a look-up that never finds",
        "connector.py",
        "        if known is None:\n            return Absent()\n        if effect",
        "        if True:\n            return Absent()\n        if effect",
        "lookups",
    ),
    picqer(
        "a look-up that always finds",
        "connector.py",
        "        if known is None:\n            return Absent()\n        if effect",
        "        if known is None:\n            return Done(VendorReference())\n        if effect",
        "faults-of-announcing",
    ),
    picqer(
        "a write that is said to be a read",
        "connector.py",
        'ask(context, Manner.WRITE, "POST", "/returns"',
        'ask(context, Manner.READ, "POST", "/returns"',
        "faults-of-announcing",
    ),
    picqer(
        "success by status alone",
        "client.py",
        "    if sent.body.strip():",
        "    if not sent.status:",
        "faults-of-withdrawing",
    ),
    picqer(
        "faults of HTTP taken for answers",
        "client.py",
        "return await call(\n        context, manner, method, settings.base + path,",
        "return await context.http.send(\n        method, settings.base + path,",
        "faults-of-reads",
    ),
    picqer(
        "an amendment that only adds",
        "connector.py",
        "            if not units:\n",
        "            if not units:\n                continue\n            if not units:\n",
        "amend",
    ),
    picqer(
        "a withdrawal that says done over goods",
        "connector.py",
        "VendorReference(reference, too_late=True)",
        "VendorReference(reference)",
        "withdraw",
    ),
    picqer(
        "one product on two lines, one of them lost",
        "wire.py",
        "units[line.sku] += line.quantity",
        "units[line.sku] = line.quantity",
        "same-product-twice",
    ),
    # what is read
    picqer(
        "a swallowed unknown word",
        "wire.py",
        "word=word(row.status))",
        'word=word(row.status) if word(row.status) in WORDS else "back_in_stock")',
        "unknown-word",
    ),
    picqer(
        "goods of an unknown word dropped",
        "wire.py",
        "there = [row for row in rows if row.idwarehouse is not None]",
        "there = [row for row in rows if row.idwarehouse is not None and word(row.status) in WORDS]",
        "unknown-word",
    ),
    picqer(
        "what is announced taken for what arrived",
        "wire.py",
        "received=sum(row.amount for row in there)",
        "received=sum(row.amount for row in rows)",
        "snapshot",
    ),
    picqer(
        "lines counted instead of units",
        "wire.py",
        "Part(quantity=row.amount, word",
        "Part(quantity=1, word",
        "snapshot",
    ),
    picqer(
        "local time read as UTC", "wire.py", "moment(seen.updated_at, zone)", 'moment(seen.updated_at, "UTC")', "times"
    ),
    picqer(
        "winter time all the year",
        "wire.py",
        "moment(seen.updated_at, zone)",
        'moment(seen.updated_at, "Etc/GMT-1")',
        "times",
    ),
    picqer("a status that never ends", "wire.py", "seen.return_status.completed", "False", "absent-and-done"),
    picqer(
        "no unknown field allowed",
        "wire.py",
        "class Row(msgspec.Struct)",
        "class Row(msgspec.Struct, forbid_unknown_fields=True)",
        "lenient-reading",
    ),
    picqer("a page lost", "paging.py", "rows - ROWS_AGAIN", "rows + ROWS_AGAIN", "pages"),
    picqer("only the first page", "connector.py", "more = len(elements) >= paging.PAGE", "more = False", "pages"),
    picqer("a cursor beyond what was seen", "paging.py", "- OVERLAP", "+ OVERLAP", "moving-list"),
    picqer("pages that never end", "connector.py", "more = len(elements) >= paging.PAGE", "more = True", "changes"),
    picqer(
        "a cursor kept in memory",
        "connector.py",
        "        zone = context.settings.zone\n        place",
        "        self.cursor = cursor\n        zone = context.settings.zone\n        place",
        "no-memory",
    ),
    picqer(
        "a bad element that takes its page with it",
        "connector.py",
        "except (ValueError, msgspec.DecodeError) as fault:",
        "except KeyError as fault:",
        "bad-element",
    ),
    picqer(
        "a bad element dropped without a word",
        "connector.py",
        "rejected.append((_name(element), str(fault)))",
        "_ = fault",
        "bad-element",
    ),
    # manners
    picqer(
        "a secret in a log",
        "client.py",
        ASKED,
        '    context.log.info("asking", key=context.settings.api_key.reveal())\n' + ASKED,
        "secrets",
    ),
    picqer(
        "a secret in a log, written in base64",
        "client.py",
        "    headers = {",
        '    context.log.info("asking", key=key)\n    headers = {',
        "secrets",
    ),
    picqer(
        "a secret in an outcome",
        "connector.py",
        "Checked(name=settings.address)",
        "Checked(name=settings.api_key.reveal())",
        "secrets",
    ),
    picqer(
        "a secret in an address",
        "client.py",
        "params=list((params or {}).items())",
        'params=[("key", settings.api_key.reveal()), *(params or {}).items()]',
        "secrets",
    ),
    picqer("sleeping", "client.py", ASKED, "    import asyncio\n    await asyncio.sleep(0)\n" + ASKED, "quiet-sources"),
    picqer("a client of its own", "client.py", "import msgspec\n", "import httpx\nimport msgspec\n", "imports"),
    picqer(
        "a look into the environment", "client.py", ASKED, '    __builtins__["os"].environ\n' + ASKED, "quiet-sources"
    ),
    picqer("a file", "client.py", ASKED, '    open("/dev/null")\n' + ASKED, "quiet-sources"),
    picqer(
        "a file, opened cleverly",
        "client.py",
        ASKED,
        '    import io\n    io.FileIO("/dev/null").close()\n' + ASKED,
        "own-hosts",
    ),
    picqer(
        "a clock of its own",
        "paging.py",
        "        if newest is None:",
        "        from datetime import datetime\n        datetime.now()\n        if newest is None:",
        "quiet-sources",
    ),
    picqer(
        "the hub's inside", "client.py", "import msgspec\n", "import msgspec\nfrom hub.kit import clock\n", "imports"
    ),
    picqer(
        "a stranger's host",
        "connector.py",
        CHECKED,
        '        await context.http.send("GET", "https://collector.example.org/")\n' + CHECKED,
        "own-hosts",
    ),
    picqer(
        "a sandbox that shares code with its connector",
        "sandbox/house.py",
        "from datetime import datetime\n",
        "from datetime import datetime\nfrom connectors.picqer import paging\n",
        "imports",
    ),
    picqer("calls without an endpoint", "client.py", "endpoint=endpoint,", 'endpoint="",', "strict-writing"),
    picqer(
        "a setting without words",
        "settings.py",
        "    zone: Annotated[\n",
        "    more: str = ''\n    zone: Annotated[\n",
        "settings",
    ),
    picqer(
        "a secret that is no secret",
        "settings.py",
        "    zone: Annotated[\n",
        '    password: Annotated[str, setting(title="A", description="B")] = ""\n    zone: Annotated[\n',
        "settings",
    ),
    picqer(
        "a capability without a method",
        "connector.py",
        "Capability.CHECK,",
        "Capability.CHECK, Capability.FETCH,",
        "manifest",
    ),
    picqer(
        "a login that always works",
        "connector.py",
        CHECKED,
        "        return Done(Checked(name=settings.address))\n" + CHECKED,
        "check",
    ),
    # another connector
    monta(
        "good and bad the wrong way round",
        "wire.py",
        "SELLABLE if line.sellable else NOT_SELLABLE",
        "NOT_SELLABLE if line.sellable else SELLABLE",
        "snapshot",
    ),
    monta(
        "the end of a list taken for an error",
        "client.py",
        "return [] if sent.status == NOT_FOUND else read",
        "return read",
        "absent-and-done",
    ),
    monta("a date that leaves the day out", "wire.py", "- DAYS_AGAIN", "+ DAYS_AGAIN", "changes"),
    monta(
        "a withdrawal that nobody was told of",
        "connector.py",
        'return Refused("not_possible", f"{CANNOT_BE_TOLD} that',
        'return Done(VendorReference()) or Refused("", f"{CANNOT_BE_TOLD} that',
        "withdraw",
    ),
]
