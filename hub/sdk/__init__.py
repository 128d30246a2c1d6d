"""The connector contract: everything a connector may import, and nothing else.

A connector is a folder with a `connector.py` whose class offers some of the methods of `Connector`,
speaks to one vendor through the `Context` it is handed, and answers with an `Outcome`.
It never sleeps, retries, stores, opens its own client or reads the environment: the hub does that.
The names in `__all__` are the contract; a breaking change of one of them is a new `CONTRACT`.
"""

from hub.sdk.connector import CONTRACT, Capability, Connector, Manifest
from hub.sdk.context import Context, Sent
from hub.sdk.fields import setting
from hub.sdk.hooks import hookimpl
from hub.sdk.http import Manner, call
from hub.sdk.messages import (
    Acknowledgement,
    Announcement,
    ChannelReturn,
    ChannelReturnLine,
    Checked,
    Effect,
    Kind,
    Marketplace,
    Order,
    OrderLine,
    Page,
    Phase,
    Reason,
    Settlement,
    SettlementLine,
    VendorReference,
)
from hub.sdk.outcomes import (
    Absent,
    ActionRequired,
    Done,
    Interrupted,
    Outcome,
    OutcomeUnknown,
    Pending,
    RateLimited,
    Refused,
    Retry,
)
from hub.sdk.receiving import (
    Condition,
    Disposition,
    ExpectedLine,
    ExpectedReturn,
    Grade,
    ReceiptRequest,
    ReceiptResult,
    ReceivedItem,
    ReceivingDesk,
    ReceivingRefused,
)
from hub.sdk.secret import Secret

__all__ = [
    "CONTRACT",
    "Absent",
    "Acknowledgement",
    "ActionRequired",
    "Announcement",
    "Capability",
    "ChannelReturn",
    "ChannelReturnLine",
    "Checked",
    "Condition",
    "Connector",
    "Context",
    "Disposition",
    "Done",
    "Effect",
    "ExpectedLine",
    "ExpectedReturn",
    "Grade",
    "Interrupted",
    "Kind",
    "Manifest",
    "Manner",
    "Marketplace",
    "Order",
    "OrderLine",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "Pending",
    "Phase",
    "RateLimited",
    "Reason",
    "ReceiptRequest",
    "ReceiptResult",
    "ReceivedItem",
    "ReceivingDesk",
    "ReceivingRefused",
    "Refused",
    "Retry",
    "Secret",
    "Sent",
    "Settlement",
    "SettlementLine",
    "VendorReference",
    "call",
    "hookimpl",
    "setting",
]
