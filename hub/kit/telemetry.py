"""What the hub tells its operator: structured logs without secrets, and the gauges that define "well"."""

import logging
import sys
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from hub.kit.redact import redacting_processor

RINGS_LOST = Counter("hub_rings_lost_total", "Rings that Valkey did not take; the sweeper rings again", ["phase"])
SWEPT = Counter("hub_swept_total", "Operations that the sweeper had to ring for", ["phase"])
ATTEMPTS = Counter("hub_attempts_total", "Calls to vendors by outcome", ["connector", "call", "outcome"])
VENDOR_SECONDS = Histogram("hub_vendor_seconds", "How long vendors took to answer", ["connector", "call"])
TRANSITIONS = Counter("hub_transitions_total", "Events of returns", ["event"])
OPERATIONS = Gauge("hub_operations", "Operations that are not finished, by state", ["state"])
OLDEST_DUE = Gauge("hub_oldest_due_seconds", "Age of the oldest operation that is due and not started")
DEAD_LETTERS = Gauge("hub_dead_letters", "Operations that gave up; must be zero")
WORK_ITEMS = Gauge("hub_work_items_open", "Things that wait for a person", ["owner"])
PARCELS_OPEN = Gauge("hub_parcels_open", "Unknown parcels that nobody has claimed")
INBOX_WAITING = Gauge("hub_inbox_waiting", "Messages received and not yet handled")
CONNECTIONS_PAUSED = Gauge("hub_connections_paused", "Connections that wait for their owner")
DIFFERENCES = Gauge("hub_differences_open", "Differences between the hub and channels that nobody repaired", ["kind"])
CONNECTIONS_LIMITED = Gauge("hub_connections_limited", "Connections of which some calls wait for a rate limit")
OPERATIONS_LIMITED = Gauge("hub_operations_limited", "Operations that wait for a rate limit")
LIMITED = Counter("hub_rate_limited_total", "Calls that a vendor's rate limit ended or spared", ["connector", "how"])
DEADLINES = Gauge("hub_deadlines", "Deadlines of open returns that are near, or have passed", ["state"])
MAILS = Gauge("hub_mails", "Mails that are not sent, by state", ["state"])
IMPORTED = Counter("hub_imported_total", "Returns imported from channels")
HOOKS = Counter("hub_hooks_total", "Hooks of partners' systems, by what became of them.", ["outcome"])
KNOCKS = Counter("hub_knocks_total", "Knocks of vendors by whether their address is one of the hub's", ["outcome"])
REPAIRED = Counter("hub_sweep_repaired_total", "Changes that a poll found and no knock had announced", ["connector"])


def configure_logging(*, level: str, style: str) -> None:
    """Log to standard error, one event a line, with secrets and personal data taken out."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks are text before they are redacted; local variables are never shown.
    last: list[Any] = [structlog.processors.format_exc_info, redacting_processor, renderer]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[clean, *last]))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def log(room: str) -> Any:
    """Return the logger of one room."""
    return structlog.get_logger(room=room)
