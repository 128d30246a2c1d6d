"""Returns as the closed beta v2.1 tells them."""

from typing import Any


def line(line_id: int = 5, quantity: int = 2, /, sku: str = "A", **results: int) -> dict[str, Any]:
    handled = [{"Quantity": units, "Action": action.upper()} for action, units in results.items()]
    return {
        "Id": 500 + line_id,
        "OrderLineId": line_id,
        "Quantity": quantity,
        "MerchantProductNo": sku,
        "ProductName": "A shoe",
        "HandlingResults": handled,
    }


def beta_return(*lines: dict[str, Any], **changes: object) -> dict[str, Any]:
    told = {
        "Id": 71,
        "Status": "NEW",
        "Reason": "WRONG_SIZE",
        "ChannelReturnNo": "R-998",
        "ChannelOrderNo": "5551234",
        "ChannelId": 12,
        "CreatedByType": "CHANNEL",
        "CreatedAt": "2025-02-10T08:15:02.1234567Z",
        "Lines": list(lines) or [line()],
    }
    return told | changes
