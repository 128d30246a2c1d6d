-- How many units of a line count as returned on its order line. A return that came in excess counts nothing, so that
-- calling it off gives nothing back that others have counted.
alter table return_lines add column counted integer not null default 0 check (counted between 0 and declared);

update return_lines set counted = case
    when returns.ending <> 'open' or returns.settlement in ('settled', 'nothing') then least(received, declared)
    else declared end
from returns
where returns.account_id = return_lines.account_id and returns.id = return_lines.return_id
    and exists (select from order_lines held
        where held.account_id = returns.account_id and held.connection_id = returns.connection_id
            and held.order_number = coalesce(returns.order_number, returns.channel_order_number)
            and held.line = coalesce(return_lines.order_line, return_lines.sku))
    and not exists (select from work_items asked
        where asked.account_id = returns.account_id and asked.key = 'excess:' || returns.id);
