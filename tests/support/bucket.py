"""A small server that speaks as much of S3 as the hub asks for, and believes nobody whose signature is wrong."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.support.loopback import Handler, Server, serving

ACCESS, SECRET, REGION = "AKHUB", "a secret of the bucket", "eu-central-1"
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)")


class Shelf:
    """Objects by path; `failing` is how many of the next requests are answered with 503."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.failing = 0

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
        """Do what a request says, if whoever signed it has the secret; returns the status and a body."""
        self.calls.append((method, path))
        if self.failing:
            self.failing -= 1
            return "503 Slow Down", b""
        if not _is_signed(method, path, headers, body):
            return "403 Forbidden", b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        if method == "PUT":
            self.objects[path] = body
            return "200 OK", b""
        if method == "DELETE":
            self.objects.pop(path, None)
            return "204 No Content", b""
        found = self.objects.get(path)
        return ("200 OK", found) if found is not None else ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>")


def _is_signed(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Sign the request once more, as AWS's documentation of Signature Version 4 has it."""
    found = _SIGNED.fullmatch(headers.get("authorization", ""))
    if found is None or found[1] != ACCESS:
        return False
    scope, names = found[2], found[3]
    digest = headers["x-amz-content-sha256"]
    canonical = "\n".join(
        (method, path, "", *(f"{name}:{headers[name].strip()}" for name in names.split(";")), "", names, digest)
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashed))
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    right = hmac.new(key, text.encode(), "sha256").hexdigest() == found[4]
    return (
        right and digest == hashlib.sha256(body).hexdigest() and scope.split("/")[1:] == [REGION, "s3", "aws4_request"]
    )


@asynccontextmanager
async def shelf() -> AsyncIterator[Shelf]:
    """Serve a bucket on a free loopback port for as long as the block runs."""
    kept = Shelf()

    def make(server: Server) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head, _, body = (await server.read(reader)).partition(b"\r\n\r\n")
                first, *lines = head.decode().split("\r\n")
                method, path, _ = first.split()
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                status, content = kept.answer(method, path, headers, body)
                length = "" if status.startswith("204") else f"content-length: {len(content)}\r\n"
                marks = 'etag: "1"\r\nlast-modified: Mon, 23 Nov 2026 09:00:00 GMT\r\n'
                writer.write(f"HTTP/1.1 {status}\r\n{length}{marks}\r\n".encode() + content)

        return handle

    async with serving(make) as server:
        kept.url = server.url
        yield kept
