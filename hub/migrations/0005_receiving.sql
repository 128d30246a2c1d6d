-- Receiving: exactly the accounts of a warehouse, receipts of several kinds and levels, scans, grading, products, and
-- parcels that no return announced.

-- warehouses ---------------------------------------------------------------------------------------------

alter table warehouses
    -- how long an unknown parcel waits to be claimed, and where it goes then
    add column parcels_wait_days integer not null default 30 check (parcels_wait_days between 1 and 365),
    add column parcels_then text not null default 'quarantine' check (parcels_then in
        ('quarantine', 'return_to_customer', 'recycle', 'destroy'));

-- a warehouse's people see exactly the accounts that are assigned to it
drop policy warehouse_reads on returns;
create policy warehouse_reads on returns for select using (warehouse_id = hub_warehouse() and account_id in (
    select held.account_id from warehouse_accounts held where held.warehouse_id = hub_warehouse()));
-- one look at an index for each line, where `exists` would have read all returns of the warehouse first
drop policy warehouse_reads on return_lines;
create policy warehouse_reads on return_lines for select using (hub_warehouse() = (
    select routed.warehouse_id from returns routed
    where routed.account_id = return_lines.account_id and routed.id = return_lines.return_id));

-- receipts -----------------------------------------------------------------------------------------------

alter table receipts
    add column kind text not null default 'receipt' check (kind in ('receipt', 'regrade', 'correction')),
    add column level text not null default 'product' check (level in ('product', 'parcel')),
    add column observed_at timestamptz,
    add column observed_by text,
    add column container text,
    add column photos text[] not null default '{}',
    add column why text,
    -- the return's version before and after, by which a client knows its own receipts from those of others
    add column version_before text,
    add column version_after text,
    -- what the operator was told, for a repeat
    add column told jsonb,
    add constraint receipts_say_why check (kind = 'receipt' or why is not null);
create index receipts_by_return on receipts (account_id, return_id, id);

alter table receipt_items
    drop constraint receipt_items_quantity_check,
    add constraint receipt_items_quantity_check check (quantity <> 0),
    -- what stayed in a closed parcel has no grade
    alter column grade drop not null,
    add column ean text,
    add column serial text,
    add column lot text,
    add column container text,
    add column photos text[] not null default '{}',
    add column answers jsonb,
    add column grading_version integer;
create index receipt_items_by_serial on receipt_items (account_id, serial) where serial is not null;

create policy warehouse_reads on receipts for select using (warehouse_id = hub_warehouse() and account_id in (
    select held.account_id from warehouse_accounts held where held.warehouse_id = hub_warehouse()));
create policy warehouse_reads on receipt_items for select using (hub_warehouse() = (
    select booked.warehouse_id from receipts booked
    where booked.account_id = receipt_items.account_id and booked.id = receipt_items.receipt_id));

-- products and grading -----------------------------------------------------------------------------------

-- codes are compared without what people and printers put between the characters
create function hub_scan_key(code text) returns text language sql immutable parallel safe as $$
    select upper(regexp_replace(code, '[[:space:]._/-]+', '', 'g'))
$$;

create table products (
    account_id uuid not null references accounts,
    sku text not null,
    name text,
    needs text check (needs in ('serial', 'lot')),
    instructions text,
    changed_at timestamptz not null,
    primary key (account_id, sku)
);

create table product_codes (
    account_id uuid not null,
    ean text not null,
    -- a GTIN is the same with and without leading zeros
    key text not null check (key = ltrim(hub_scan_key(ean), '0')),
    sku text not null,
    primary key (account_id, key),
    foreign key (account_id, sku) references products on delete cascade
);
create index product_codes_by_key on product_codes (key, account_id);
create index product_codes_by_sku on product_codes (account_id, sku);

create table grading_sets (
    account_id uuid not null references accounts,
    version integer not null check (version > 0),
    body jsonb not null,
    published_by text not null,
    published_at timestamptz not null,
    primary key (account_id, version)
);
create trigger grading_sets_are_facts before update or delete on grading_sets
    for each row execute function hub_refuse_change();

-- scans --------------------------------------------------------------------------------------------------

create table return_trackings (
    account_id uuid not null,
    return_id uuid not null,
    number text not null,
    carrier text,
    added_by text not null,
    added_at timestamptz not null,
    primary key (account_id, return_id, number),
    foreign key (account_id, return_id) references returns
);

-- every code by which a warehouse may find a return, kept by the triggers below
create table scan_keys (
    account_id uuid not null,
    return_id uuid not null,
    kind text not null check (kind in ('return_number', 'tracking', 'order', 'sku', 'container')),
    key text not null,
    warehouse_id uuid not null references warehouses,
    open boolean not null,
    primary key (account_id, return_id, kind, key),
    foreign key (account_id, return_id) references returns
);
create index scan_keys_open on scan_keys (warehouse_id, key, account_id, return_id) where open;
create index scan_keys_over on scan_keys (warehouse_id, key, return_id desc) where not open and kind <> 'sku';

create function hub_is_receivable(status text) returns boolean language sql immutable parallel safe as $$
    select status in ('expected', 'approved', 'partially_received')
$$;

create function hub_keep_scan_keys_of_return() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        update scan_keys set open = hub_is_receivable(new.status), warehouse_id = new.warehouse_id
            where account_id = new.account_id and return_id = new.id
                and (open, warehouse_id) is distinct from (hub_is_receivable(new.status), new.warehouse_id);
        if (old.order_number, old.channel_order_number, old.channel_return_number)
                is not distinct from (new.order_number, new.channel_order_number, new.channel_return_number) then
            return null;
        end if;
        delete from scan_keys where account_id = new.account_id and return_id = new.id and kind = 'order';
    end if;
    insert into scan_keys (account_id, return_id, kind, key, warehouse_id, open)
        select new.account_id, new.id, code.kind, hub_scan_key(code.value), new.warehouse_id,
            hub_is_receivable(new.status)
        from (values ('return_number', new.number), ('order', new.order_number), ('order', new.channel_order_number),
            ('order', new.channel_return_number)) as code(kind, value)
        where hub_scan_key(code.value) <> ''
        on conflict do nothing;
    return null;
end $$;
create trigger returns_are_found_when_born after insert on returns
    for each row execute function hub_keep_scan_keys_of_return();
create trigger returns_are_found after update on returns
    for each row when ((old.status, old.warehouse_id, old.order_number, old.channel_order_number,
        old.channel_return_number) is distinct from (new.status, new.warehouse_id, new.order_number,
        new.channel_order_number, new.channel_return_number))
    execute function hub_keep_scan_keys_of_return();

create function hub_add_scan_key(of_account uuid, of_return uuid, of_kind text, code text) returns void
language sql as $$
    insert into scan_keys (account_id, return_id, kind, key, warehouse_id, open)
        select of_account, of_return, of_kind, hub_scan_key(code), warehouse_id, hub_is_receivable(status)
        from returns where account_id = of_account and id = of_return and hub_scan_key(code) <> ''
        on conflict do nothing
$$;

create function hub_keep_scan_keys_of_line() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        delete from scan_keys where account_id = old.account_id and return_id = old.return_id and kind = 'sku'
            and key = hub_scan_key(old.sku) and not exists (select from return_lines other
                where other.account_id = old.account_id and other.return_id = old.return_id
                    and hub_scan_key(other.sku) = hub_scan_key(old.sku));
    end if;
    if tg_op <> 'DELETE' then
        perform hub_add_scan_key(new.account_id, new.return_id, 'sku', new.sku);
    end if;
    return null;
end $$;
create trigger lines_are_found_when_born after insert or delete on return_lines
    for each row execute function hub_keep_scan_keys_of_line();
create trigger lines_are_found after update of sku on return_lines
    for each row when (old.sku is distinct from new.sku) execute function hub_keep_scan_keys_of_line();

create function hub_keep_scan_key_of_container() returns trigger language plpgsql as $$
begin
    perform hub_add_scan_key(new.account_id, new.return_id, 'container', new.container);
    return null;
end $$;
create trigger receipts_are_found after insert on receipts
    for each row when (new.container is not null) execute function hub_keep_scan_key_of_container();
create trigger receipt_items_are_found after insert on receipt_items
    for each row when (new.container is not null) execute function hub_keep_scan_key_of_container();

create function hub_keep_scan_key_of_tracking() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        delete from scan_keys where account_id = old.account_id and return_id = old.return_id and kind = 'tracking'
            and key = hub_scan_key(old.number);
    else
        perform hub_add_scan_key(new.account_id, new.return_id, 'tracking', new.number);
    end if;
    return null;
end $$;
create trigger trackings_are_found after insert or delete on return_trackings
    for each row execute function hub_keep_scan_key_of_tracking();

-- returns from before this
insert into scan_keys (account_id, return_id, kind, key, warehouse_id, open)
    select account_id, id, code.kind, hub_scan_key(code.value), warehouse_id, hub_is_receivable(status)
    from returns cross join lateral (values ('return_number', number), ('order', order_number),
        ('order', channel_order_number), ('order', channel_return_number)) as code(kind, value)
    where hub_scan_key(code.value) <> '' on conflict do nothing;
insert into scan_keys (account_id, return_id, kind, key, warehouse_id, open)
    select line.account_id, line.return_id, 'sku', hub_scan_key(line.sku), warehouse_id, hub_is_receivable(status)
    from return_lines line join returns on returns.account_id = line.account_id and returns.id = line.return_id
    where hub_scan_key(line.sku) <> '' on conflict do nothing;

-- unknown parcels ----------------------------------------------------------------------------------------

create table parcels (
    id uuid primary key,
    warehouse_id uuid not null references warehouses,
    key text not null,
    request_digest bytea not null,
    kind text not null check (kind in ('unknown', 'refused', 'return_to_sender')),
    sender text,
    postcode text,
    note text,
    container text,
    photos text[] not null,
    operator text not null,
    observed_by text,
    observed_at timestamptz,
    registered_at timestamptz not null,
    due_at timestamptz not null,
    state text not null check (state in ('open', 'claimed', 'timed_out')),
    -- what a claim said: whose it is, and which return it is or where it goes
    account_id uuid references accounts,
    return_id uuid,
    disposition text,
    claimed_by text,
    claimed_at timestamptz,
    claim_note text,
    unique (warehouse_id, key),
    foreign key (account_id, return_id) references returns,
    check ((state = 'claimed') = (claimed_by is not null)),
    check ((claimed_by is null) = (claimed_at is null)),
    check ((state = 'claimed') = (account_id is not null)),
    check (state <> 'claimed' or num_nonnulls(return_id, disposition) = 1)
);
create index parcels_due on parcels (due_at) where state = 'open';
create index parcels_of_a_warehouse on parcels (warehouse_id, id);

create table parcel_numbers (
    parcel_id uuid not null references parcels,
    warehouse_id uuid not null references warehouses,
    number text not null,
    key text not null check (key = hub_scan_key(number)),
    primary key (parcel_id, number)
);
create index parcel_numbers_here on parcel_numbers (warehouse_id, key);

create table parcel_candidates (
    account_id uuid not null,
    parcel_id uuid not null references parcels,
    warehouse_id uuid not null references warehouses,
    return_id uuid not null,
    score integer not null check (score between 1 and 100),
    reason text not null,
    primary key (account_id, parcel_id, return_id),
    foreign key (account_id, return_id) references returns
);
create index parcel_candidates_of_a_parcel on parcel_candidates (parcel_id, score desc);

-- row-level security on every table ----------------------------------------------------------------------

do $$
declare name text;
begin
    foreach name in array array['products', 'product_codes', 'grading_sets', 'return_trackings', 'scan_keys',
        'parcels', 'parcel_numbers', 'parcel_candidates']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['products', 'product_codes', 'grading_sets', 'return_trackings', 'scan_keys']
    loop
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
    foreach name in array array['products', 'product_codes', 'grading_sets']
    loop
        execute format('create policy warehouse_reads on %I for select using (hub_warehouse() is not null
            and account_id in (select held.account_id from warehouse_accounts held
                where held.warehouse_id = hub_warehouse()))', name);
    end loop;
    foreach name in array array['parcels', 'parcel_numbers', 'parcel_candidates']
    loop
        execute format('create policy platform on %I using (hub_is_platform()) with check (hub_is_platform())', name);
        execute format('create policy warehouse_reads on %I for select using (warehouse_id = hub_warehouse())', name);
        execute format('create policy partner_reads on %I for select using (hub_partner() is not null and warehouse_id
            in (select place.id from warehouses place where place.partner_id = hub_partner()))', name);
    end loop;
end $$;
create policy warehouse_reads on scan_keys for select using (warehouse_id = hub_warehouse() and account_id in (
    select held.account_id from warehouse_accounts held where held.warehouse_id = hub_warehouse()));

-- an account sees the parcels that may be its own, those it claimed, and those of the warehouses that it runs
create policy account_reads on parcel_candidates for select using (account_id = hub_account());
create policy account_reads on parcels for select using (hub_account() is not null and (account_id = hub_account()
    or exists (select from parcel_candidates own where own.parcel_id = parcels.id and own.account_id = hub_account())
    or warehouse_id in (select place.id from warehouses place where place.account_id = hub_account())));
create policy account_reads on parcel_numbers for select using (hub_account() is not null and exists (
    select from parcels seen where seen.id = parcel_numbers.parcel_id));
