"""Which query names and body fields each endpoint knows, by the Merchant API 2.19.0 and, for dates, 2.22.12."""

from collections.abc import Mapping

Fields = Mapping[str, "Fields | None"]

KEY = "apikey"
LISTED = frozenset({"channelIds", "merchantOrderNos", "channelOrderNos", "fulfillmentType", "statuses", "reasons"})
PERIOD = frozenset({"fromDate", "toDate", "fromUpdateDate", "toUpdateDate"})
RETURNS = LISTED | PERIOD | {"isAcknowledged", "page"}
ORDERS = frozenset(
    """
    statuses emailAddresses merchantOrderNos channelOrderNos commercialOrderNos fromDate toDate fromCreatedAtDate
    toCreatedAtDate excludeMarketplaceFulfilledOrdersAndLines fulfillmentType onlyWithCancellationRequests channelIds
    stockLocationIds isAcknowledged fromUpdatedAtDate toUpdatedAtDate fromAcknowledgedDate toAcknowledgedDate
    fromClosedAtDate toClosedAtDate page
    """.split()  # noqa: SIM905 - a list of words
)
NOTIFICATIONS = frozenset(
    """
    fromDate toDate types merchantOrderNos channelOrderNos merchantReturnNos channelReturnNos merchantShipmentNos page
    """.split()  # noqa: SIM905 - a list of words
)
SHIPMENTS = frozenset(
    """
    merchantShipmentNos merchantOrderNos method shippedFromCountryCodes fromShipmentDate toShipmentDate fromCreateDate
    toCreateDate fromUpdateDate toUpdateDate fulfillmentType channelShipmentNos channelOrderNos channelExportStatus
    channelExportAttempts fromDeliveredAt toDeliveredAt page
    """.split()  # noqa: SIM905 - a list of words
)
QUERIES: Mapping[str, frozenset[str]] = {
    "GET /v2/settings": frozenset(),
    "GET /v2/channels": frozenset(),
    "GET /v2/orders": ORDERS,
    "GET /v2/returns": RETURNS | {"creatorType"},
    "GET /v2/returns/merchant": RETURNS,
    "GET /v2/returns/merchant/new": frozenset({"channelIds", "page"}),
    "GET /v2/notifications": NOTIFICATIONS,
    "GET /v2/shipments/merchant": SHIPMENTS,
}
UPDATE: Fields = {
    "ReturnId": None,
    "Lines": {"MerchantProductNo": None, "AcceptedQuantity": None, "RejectedQuantity": None},
}
CREATE: Fields = {
    "MerchantOrderNo": None,
    "MerchantReturnNo": None,
    "Lines": {"MerchantProductNo": None, "OrderLineId": None, "Quantity": None, "ExtraData": None},
    "Id": None,
    "Reason": None,
    "CustomerComment": None,
    "MerchantComment": None,
    "RefundInclVat": None,
    "RefundExclVat": None,
    "ReturnDate": None,
    "ExtraData": None,
    "TrackTraceNo": None,
}
WEBHOOK: Fields = {"Name": None, "Url": None, "IsActive": None, "RequestType": None, "Events": None}
BODIES: Mapping[str, Fields] = {
    "PUT /v2/returns": UPDATE,
    "POST /v2/returns/merchant": CREATE,
    "POST /v2/returns/merchant/acknowledge": {"ReturnId": None, "MerchantReturnNo": None},
    "POST /v2/webhooks": WEBHOOK,
    "PUT /v2/webhooks": WEBHOOK,
}
