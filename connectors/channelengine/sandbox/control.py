"""The development tool beside the API: sell, send back, break things on purpose, and read what really happened.

Every path stands under `/_sandbox`; TENANT is a tenant's name, ID the vendor's id, MARKETPLACE a global channel name
such as `bol`. Bodies and answers are JSON. A body that is misspelt is refused with 400, an unknown tenant, order or
return with 404, and what the vendor's rules forbid with 409. A field with `?` may be left out.

The shops and the marketplaces:

    POST   /tenants                           {name, key} -> {name}; 201 when new, else it has another key
    PUT    /TENANT/key                        {key} -> {name}; the key before is revoked at once
    GET    /TENANT/switches                   -> {echo, newest_first, update_dates, items_per_page}
    PUT    /TENANT/switches                   some of these -> all of them
    POST   /TENANT/orders                     a sale or a list of sales -> the order or orders
    POST   /TENANT/orders/ID/acknowledge      {merchant_order_no} -> the order; the merchant takes it over only now
    POST   /TENANT/products/link              {order_line_id? | channel_product_no?, merchant_product_no}
                                              -> {orders: [ids], returns: [ids]}; lines without a number get one
    POST   /TENANT/channel-returns            a return or a list of returns -> the return or returns
    POST   /TENANT/returns/ID/cancel          -> the return; the marketplace cancels it
    POST   /TENANT/returns/ID/settle          {lines: [{merchant_product_no? | order_line_id?, accepted, rejected}]}
                                              or nothing for all accepted -> the return; settled in the web pages
    POST   /TENANT/returns/ID/quantities      {lines: [{merchant_product_no? | order_line_id?, quantity}]} -> the return
    POST   /TENANT/notifications              {return_id, type, subject?, message?} -> the notification
    POST   /world                             {seed, tenants?, marketplaces?, returns?, merchant_orders?}
                                              -> {seed, tenants: [what was made, its twists, what has to become of it]}

What the marketplaces do with what the vendor took:

    GET    /TENANT/manners                    -> {marketplace: manner} of every marketplace known here
    PUT    /TENANT/manners/MARKETPLACE        some fields of a manner -> the whole manner, for this tenant alone
    DELETE /TENANT/manners/MARKETPLACE        -> the manner it has by itself
    PUT    /TENANT/balances/MARKETPLACE       {sufficient} -> {marketplace, sufficient}
    GET    /TENANT/exports                    -> [{return_id, marketplace, status, attempts, next_at, cause}]
    POST   /TENANT/exports/fail               {times?, text?, final?, return_id? | marketplace?} -> the plan
    POST   /TENANT/exports/retry              {return_id? | marketplace?} or nothing -> the exports that were tried

Time:

    GET    /clock                             -> {now, stopped}
    PUT    /clock                             {forward_seconds} | {now} and stopped? -> the same; what falls due happens
    DELETE /clock                             -> the same; real time again

Webhooks, as the vendor keeps and calls them:

    GET    /TENANT/webhooks                   -> {webhooks, deliveries: [{at, webhook, url, method, outcome, fault}]}
    PUT    /TENANT/webhooks/NAME              {is_active} -> the webhook; switched behind the merchant's back
    DELETE /TENANT/webhooks/NAME              -> the webhook that is gone
    POST   /TENANT/webhooks/settle            -> {deliveries}; answers when no delivery is under way

What goes wrong:

    GET    /faults                            -> [{text, struck, left}]
    PUT    /faults                            a list of texts, or ["all"] -> the same; in place of all others
    DELETE /faults                            -> []
    PUT    /limits                            {calls_per_minute} -> the same; per endpoint

What really happened:

    GET    /health                            -> {status, tenants}
    GET    /TENANT/ledger                     ?return_id | merchant_return_no | order_no
                                              -> {entries, total_units, total_amount}; cause is create, update or web
    GET    /TENANT/returns                    ?status | creator | merchant_return_no | channel_return_no
                                              -> {returns, total, by_status}
    GET    /TENANT/calls                      ?effect | told | method | path -> {summary, calls}
    GET    /TENANT/exchanges                  -> [{at, method, path, query, request, status, response}], the latest 100
    GET    /TENANT/violations                 -> {violations: [{at, code, why, method, path, return_id}], by_code}
    DELETE /TENANT/violations                 -> the same, empty
    GET    /TENANT/judgement                  -> {ok, returns, wrong_refunds, double_refunds, over_refunded,
                                              waiting_exports, failed_exports, never_acknowledged, violations}
"""

from connectors.channelengine.sandbox.control_judge import JUDGE
from connectors.channelengine.sandbox.control_market import MARKET
from connectors.channelengine.sandbox.control_shop import SHOP
from connectors.channelengine.sandbox.control_weather import WEATHER
from connectors.channelengine.sandbox.control_webhooks import WEBHOOKS
from connectors.channelengine.sandbox.control_world import WORLD

CONTROL = (*SHOP, *WORLD, *MARKET, *WEATHER, *WEBHOOKS, *JUDGE)
