"""The floor's SQL: one plain statement per table."""

INBOX = """
insert into inbox (account_id, id, connection_id, key, subject, body, state, received_at)
values ($1, $2, $3, $4, $5, $6, 'received', $7)
"""
HANDLED = """
update inbox set state = 'handled', return_id = $3, handled_at = $4
where account_id = $1 and connection_id = $2 and key = $5
"""
ORDER_LINE = """
insert into order_lines (account_id, connection_id, order_number, line, sku, shipped, returned)
values ($1, $2, $3, $4, $5, $6, $6)
"""
RETURN = """
insert into returns (account_id, id, number, key, kind, channel_id, connection_id, policy_version_id, warehouse_id,
    external_id, channel_return_number, order_number, marketplace, reason, status, ending, sync, settlement, version,
    created_at, updated_at)
values ($1, $2, $3, $3, 'channel', $4, $5, $6, $7, $8, $9, $10, '1', 'other', 'expected', 'open', 'linked', 'none', 1,
    $11, $11)
"""
LINE = """
insert into return_lines (account_id, id, return_id, position, sku, order_line, declared)
values ($1, $2, $3, 1, $4, $5, $6)
"""
TIMELINE = """
insert into timeline (account_id, id, return_id, at, actor, event, detail) values ($1, $2, $3, $4, 'floor', $5, '{}')
"""
OUTBOX = "insert into outbox (account_id, id, return_id, at, type, body) values ($1, $2, $3, $4, $5, '{}')"
PLAN = """
insert into operations (account_id, id, return_id, kind, connection_id, effect, phase, key, state, next_at, request,
    created_at)
values ($1, $2, $3, 'channel', $4, $5, $6, $7, 'ready', $8, $9, $8)
"""
HELD = """
select returns.id, number, external_id, line.id as line_id, line.declared from returns
join return_lines line on line.account_id = returns.account_id and line.return_id = returns.id
where returns.account_id = $1 and returns.id = $2 for update of returns
"""
RECEIPT = r"""
insert into receipts (account_id, id, return_id, warehouse_id, key, request_digest, operator, late, finalised,
    received_at)
values ($1, $2, $3, $4, $5, '\x00', 'floor', false, true, $6)
"""
ITEM = """
insert into receipt_items (account_id, receipt_id, position, return_id, line_id, sku, quantity, grade, condition,
    disposition)
values ($1, $2, 1, $3, $4, $5, $6, 'A', 'as_new', 'restock')
"""
LINE_RECEIVED = "update return_lines set received = declared, accepted = declared where account_id = $1 and id = $2"
RECEIVED = """
update returns set status = 'processed', settlement = 'sending', finalised_at = $3, version = version + 1,
    updated_at = $3
where account_id = $1 and id = $2
"""
MEMO = """
insert into memos (account_id, return_id, policy_version_id, lines, drafted_at) values ($1, $2, $3, '[]', $4)
"""
CLAIM = """
update operations set state = 'claimed', next_at = null, lease_until = $2, attempt = 1
where id = $1 and state = 'ready' returning return_id, effect, request
"""
DONE = """
update operations set state = 'done', lease_until = null, finished_at = $3 where account_id = $1 and id = $2
"""
ATTEMPT = """
insert into attempts (account_id, operation_id, id, number, call, started_at, duration_ms, outcome, exchanges)
values ($1, $2, $3, 1, 'effect', $4, 1, 'Done', $5)
"""
ACKNOWLEDGED = """
update returns set sync = 'acknowledged', version = version + 1, updated_at = $3 where account_id = $1 and id = $2
"""
SETTLED = """
update returns set status = 'completed', settlement = 'settled', sync = 'confirmed', version = version + 1,
    updated_at = $3
where account_id = $1 and id = $2
"""
LINE_SETTLED = "update return_lines set settled = accepted where account_id = $1 and return_id = $2"

# What the benchmark asks of both sides, outside of the measured time or as a poll of it.
EXPECTED = "select count(*) as held from returns where account_id = $1 and status = 'expected'"
COMPLETED = "select count(*) as held from returns where account_id = $1 and status = 'completed'"
ACKNOWLEDGEMENTS = """
select count(*) as held from operations where account_id = $1 and effect = 'acknowledge' and state = 'done'
"""
CHANNEL_POLICY = """
select versions.id from policy_versions versions
join policies on policies.account_id = versions.account_id and policies.id = versions.policy_id
where policies.kind = 'channel' and policies.channel_id = $1
"""

COUNT = "select count(*) as held from {table} where account_id = $1"

# Open returns for scans: orders and tracking numbers of their own, products that many share.
SCANNED_RETURNS = """
insert into returns (account_id, id, number, key, kind, channel_id, connection_id, policy_version_id, warehouse_id,
    order_number, reason, status, ending, sync, settlement, version, created_at, updated_at)
select $1, gen_random_uuid(), 'RB' || lpad(n::text, 9, '0'), 'bench:' || n, 'merchant', $2, $3, $4, $5, 'SO-' || n,
    'other', 'approved', 'open', 'not_required', 'none', 1, now(), now()
from generate_series($6::int, $7::int) as n
"""
SCANNED_LINES = """
insert into return_lines (account_id, id, return_id, position, sku, declared)
select account_id, gen_random_uuid(), id, 1, 'SKU-' || n % 200, 1
from generate_series($2::int, $3::int) as n join returns on number = 'RB' || lpad(n::text, 9, '0')
where account_id = $1
"""
SCANNED_TRACKINGS = """
insert into return_trackings (account_id, return_id, number, added_by, added_at)
select account_id, id, '3SBENCH' || lpad(n::text, 9, '0'), 'bench', now()
from generate_series($2::int, $3::int) as n join returns on number = 'RB' || lpad(n::text, 9, '0')
where account_id = $1
"""
FRESH_STATISTICS = "analyze returns, return_lines, return_trackings, scan_keys"
