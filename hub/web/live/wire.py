"""Server-sent events as bytes (HTML standard, section 9.2). Pure."""

import re

import msgspec

# A line that begins with a colon says nothing; it keeps what lies between from closing a silent connection.
HEARTBEAT = b": still here\n\n"
MEDIA_TYPE = "text/event-stream"
_LINE = re.compile(r"\r\n|\r|\n")


def message(data: object, *, cursor: str = "") -> bytes:
    """Return one event with its data as JSON, and the cursor that a browser sends back when it comes again."""
    lines = [f"data: {line}" for line in _LINE.split(msgspec.json.encode(data).decode())]
    # A line end in a cursor would begin another field.
    head = [f"id: {_LINE.sub('', cursor)}"] if cursor else []
    return ("\n".join([*head, *lines]) + "\n\n").encode()


def retry(milliseconds: int) -> bytes:
    """Return how long a browser waits before it comes again by itself."""
    return f"retry: {milliseconds}\n\n".encode()
