-- Who may see a row: its own account, or the platform. Settings are made by `hub.kit.db` at the start of
-- every transaction; without them no row is visible.
create function hub_sees(row_account uuid) returns boolean language sql stable as $$
    select row_account = nullif(current_setting('hub.account', true), '')::uuid
        or current_setting('hub.platform', true) = 'on'
$$;
create function hub_is_platform() returns boolean language sql stable as $$
    select current_setting('hub.platform', true) = 'on'
$$;
create function hub_warehouse() returns uuid language sql stable as $$
    select nullif(current_setting('hub.warehouse', true), '')::uuid
$$;
create function hub_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is a fact and is never changed', tg_table_name using errcode = 'restrict_violation';
end $$;

-- tenants ------------------------------------------------------------------------------------------------

create table accounts (
    id uuid primary key,
    name text not null unique,
    created_at timestamptz not null
);

create table partners (
    id uuid primary key,
    name text not null unique,
    created_at timestamptz not null
);

create table connections (
    id uuid primary key,
    account_id uuid references accounts,
    partner_id uuid references partners,
    connector text not null,
    name text not null,
    settings jsonb not null,
    sealed bytea not null,
    state text not null check (state in ('active', 'paused')),
    paused_why text,
    limited_until timestamptz,
    checked_at timestamptz,
    created_at timestamptz not null,
    check (num_nonnulls(account_id, partner_id) = 1),
    check ((state = 'paused') = (paused_why is not null))
);
create unique index connections_name on connections (coalesce(account_id, partner_id), name);

create table warehouses (
    id uuid primary key,
    account_id uuid references accounts,
    partner_id uuid references partners,
    name text not null unique,
    receiving_option text not null
        check (receiving_option in ('return_hub', 'merchant_warehouse', 'partner_app', 'partner_wms')),
    connection_id uuid references connections,
    country text,
    created_at timestamptz not null,
    -- a return hub is the operator's, a merchant warehouse an account's, the other two a partner's
    check (case receiving_option
        when 'return_hub' then account_id is null and partner_id is null
        when 'merchant_warehouse' then account_id is not null and partner_id is null
        else account_id is null and partner_id is not null end),
    check ((receiving_option = 'partner_wms') = (connection_id is not null))
);

create table warehouse_accounts (
    account_id uuid not null references accounts,
    warehouse_id uuid not null references warehouses,
    primary key (account_id, warehouse_id)
);

create table channels (
    account_id uuid not null references accounts,
    id uuid not null,
    name text not null,
    connection_id uuid not null references connections,
    created_at timestamptz not null,
    primary key (account_id, id),
    unique (account_id, name)
);

create table channel_marketplaces (
    account_id uuid not null,
    channel_id uuid not null,
    connection_id uuid not null references connections,
    reference text not null,
    name text not null,
    family text not null,
    primary key (account_id, channel_id, reference),
    unique (account_id, connection_id, reference),
    foreign key (account_id, channel_id) references channels
);

create table policies (
    account_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    kind text not null check (kind in ('channel', 'merchant')),
    primary key (account_id, id),
    unique (account_id, channel_id, kind),
    foreign key (account_id, channel_id) references channels
);

create table policy_versions (
    account_id uuid not null,
    id uuid not null,
    policy_id uuid not null,
    number integer not null check (number > 0),
    rules jsonb not null,
    published_at timestamptz not null,
    primary key (account_id, id),
    unique (account_id, policy_id, number),
    foreign key (account_id, policy_id) references policies
);
create trigger policy_versions_are_facts before update or delete on policy_versions
    for each row execute function hub_refuse_change();

create table api_keys (
    id uuid primary key,
    role text not null check (role in ('platform', 'account', 'warehouse')),
    account_id uuid references accounts,
    warehouse_id uuid references warehouses,
    name text not null,
    prefix text not null unique,
    digest bytea not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    check (case role when 'platform' then account_id is null and warehouse_id is null
                     when 'account' then account_id is not null and warehouse_id is null
                     else account_id is null and warehouse_id is not null end)
);

create table idempotency_keys (
    owner text not null,
    key text not null,
    account_id uuid,
    request_digest bytea not null,
    status integer,
    media_type text,
    body bytea,
    started_at timestamptz not null,
    primary key (owner, key)
);
create index idempotency_keys_age on idempotency_keys (started_at);

-- returns ------------------------------------------------------------------------------------------------

create table returns (
    account_id uuid not null references accounts,
    id uuid not null,
    number text not null unique,
    key text not null,
    kind text not null check (kind in ('channel', 'merchant')),
    channel_id uuid not null,
    connection_id uuid not null references connections,
    policy_version_id uuid not null,
    warehouse_id uuid not null references warehouses,
    external_id text,
    channel_return_number text,
    order_number text,
    channel_order_number text,
    marketplace text,
    reason text not null,
    comment text,
    status text not null check (status in ('expected', 'approved', 'partially_received', 'received', 'processed',
        'completed', 'canceled', 'channel_canceled')),
    ending text not null check (ending in ('open', 'canceled', 'channel_canceled')),
    sync text not null check (sync in ('not_required', 'linked', 'acknowledged', 'confirmed', 'conflict')),
    settlement text not null
        check (settlement in ('none', 'held', 'sending', 'settled', 'refused', 'nothing', 'elsewhere')),
    settle_before_receipt boolean not null default false,
    finalised_at timestamptz,
    version integer not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (account_id, id),
    unique (account_id, key),
    unique (account_id, id, kind),
    foreign key (account_id, channel_id) references channels,
    foreign key (account_id, policy_version_id) references policy_versions,
    -- a channel return is known to the channel from birth
    check (kind = 'merchant' or external_id is not null),
    -- rule 1: nothing is settled before it is received
    check (settlement not in ('sending', 'settled') or finalised_at is not null or settle_before_receipt)
);
create unique index returns_external on returns (account_id, connection_id, external_id) where external_id is not null;
create index returns_by_status on returns (account_id, status, id);
create index returns_expected on returns (warehouse_id, id) where status in ('expected', 'approved', 'partially_received');
create index returns_by_order on returns (account_id, order_number);
create index returns_id on returns (id);

-- rule 2: the kind is fixed at birth
create function hub_keep_kind() returns trigger language plpgsql as $$
begin
    raise exception 'the kind of return % is fixed at birth', old.number using errcode = 'restrict_violation';
end $$;
create trigger returns_keep_kind before update on returns
    for each row when (old.kind is distinct from new.kind) execute function hub_keep_kind();

create table return_lines (
    account_id uuid not null,
    id uuid not null,
    return_id uuid not null,
    position integer not null,
    sku text not null,
    name text,
    order_line text,
    unit_price numeric,
    declared integer not null check (declared > 0),
    received integer not null default 0 check (received >= 0),
    accepted integer not null default 0 check (accepted >= 0),
    rejected integer not null default 0 check (rejected >= 0),
    settled integer not null default 0 check (settled >= 0),
    -- how many units count as returned on the order line; a return that came in excess counts nothing
    counted integer not null default 0 check (counted between 0 and declared),
    primary key (account_id, id),
    unique (account_id, return_id, position),
    foreign key (account_id, return_id) references returns,
    -- rule 3: quantities close, and nobody is refunded for more than was declared
    check (accepted + rejected <= received),
    check (accepted + rejected <= declared),
    check (settled <= accepted)
);

create table order_lines (
    account_id uuid not null references accounts,
    connection_id uuid not null references connections,
    -- empty where the vendor's own reference names the line, for an order may go by more than one number
    order_number text not null,
    line text not null,
    sku text not null,
    shipped integer not null check (shipped >= 0),
    returned integer not null check (returned >= 0),
    primary key (account_id, connection_id, order_number, line),
    -- rule 3: over all returns of one order line, returned <= shipped
    check (returned <= shipped)
);

create table timeline (
    account_id uuid not null,
    id uuid not null,
    return_id uuid not null,
    at timestamptz not null,
    actor text not null,
    event text not null,
    detail jsonb not null,
    primary key (account_id, return_id, id),
    foreign key (account_id, return_id) references returns
);
create trigger timeline_is_a_fact before update or delete on timeline
    for each row execute function hub_refuse_change();

-- receipt ------------------------------------------------------------------------------------------------

create table receipts (
    account_id uuid not null,
    id uuid not null,
    return_id uuid not null,
    warehouse_id uuid not null references warehouses,
    key text not null,
    request_digest bytea not null,
    operator text not null,
    late boolean not null,
    finalised boolean not null,
    received_at timestamptz not null,
    primary key (account_id, id),
    unique (account_id, warehouse_id, key),
    foreign key (account_id, return_id) references returns
);
create trigger receipts_are_facts before update or delete on receipts
    for each row execute function hub_refuse_change();

create table receipt_items (
    account_id uuid not null,
    receipt_id uuid not null,
    position integer not null,
    return_id uuid not null,
    line_id uuid,
    sku text not null,
    quantity integer not null check (quantity > 0),
    grade text not null,
    condition text not null,
    disposition text not null,
    deviation text,
    note text,
    primary key (account_id, receipt_id, position),
    foreign key (account_id, receipt_id) references receipts,
    foreign key (account_id, return_id) references returns
);
create index receipt_items_by_return on receipt_items (account_id, return_id);
create trigger receipt_items_are_facts before update or delete on receipt_items
    for each row execute function hub_refuse_change();

-- settlement ---------------------------------------------------------------------------------------------

create table memos (
    account_id uuid not null,
    return_id uuid not null,
    policy_version_id uuid not null,
    lines jsonb not null,
    drafted_at timestamptz not null,
    primary key (account_id, return_id),
    foreign key (account_id, return_id) references returns
);

-- operations ---------------------------------------------------------------------------------------------

create table operations (
    account_id uuid not null references accounts,
    id uuid not null,
    return_id uuid not null,
    kind text not null,
    connection_id uuid not null references connections,
    effect text not null check (effect in ('acknowledge', 'announce', 'withdraw', 'settle')),
    phase text not null check (phase in ('initiation', 'receipt', 'settlement')),
    key text not null,
    state text not null
        check (state in ('ready', 'claimed', 'pending', 'unknown', 'done', 'refused', 'dead', 'withdrawn')),
    attempt integer not null default 0 check (attempt >= 0),
    lookups integer not null default 0 check (lookups >= 0),
    doubtful_since timestamptz,
    next_at timestamptz,
    lease_until timestamptz,
    request jsonb not null,
    result jsonb,
    why text,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (account_id, id),
    unique (account_id, key),
    foreign key (account_id, return_id, kind) references returns (account_id, id, kind),
    check ((state = 'claimed') = (lease_until is not null)),
    check ((state in ('ready', 'pending', 'unknown')) = (next_at is not null))
);
-- rule 2: never both, never twice
create unique index operations_settle_once on operations (account_id, return_id)
    where effect = 'settle' and state <> 'withdrawn';
create unique index operations_id on operations (id);
create index operations_due on operations (phase, next_at) where state in ('ready', 'pending', 'unknown');
create index operations_leased on operations (phase, lease_until) where state = 'claimed';
create index operations_by_return on operations (account_id, return_id);
create index operations_by_state on operations (account_id, state, id);
create index operations_unfinished on operations (state) where state not in ('done', 'withdrawn', 'refused');

create table attempts (
    account_id uuid not null,
    operation_id uuid not null,
    id uuid not null,
    number integer not null,
    call text not null check (call in ('effect', 'lookup')),
    started_at timestamptz not null,
    duration_ms integer not null,
    outcome text not null,
    why text,
    exchanges jsonb not null,
    primary key (account_id, operation_id, id),
    foreign key (account_id, operation_id) references operations
);

-- inbox and outbox ---------------------------------------------------------------------------------------

create table inbox (
    account_id uuid not null references accounts,
    id uuid not null,
    connection_id uuid not null references connections,
    key text not null,
    subject text not null,
    body jsonb not null,
    state text not null check (state in ('received', 'handled', 'parked', 'quarantined')),
    why text,
    return_id uuid,
    received_at timestamptz not null,
    handled_at timestamptz,
    primary key (account_id, id),
    unique (account_id, connection_id, key)
);
create index inbox_waiting on inbox (account_id, connection_id, id) where state = 'received';
create index inbox_parked on inbox (account_id, id) where state in ('parked', 'quarantined');

create table polls (
    account_id uuid not null references accounts,
    connection_id uuid primary key references connections,
    cursor text,
    next_at timestamptz not null,
    lease_until timestamptz,
    failures integer not null default 0,
    last_ok_at timestamptz
);
create index polls_due on polls (next_at);

create table outbox (
    account_id uuid not null references accounts,
    id uuid not null,
    return_id uuid,
    type text not null,
    body jsonb not null,
    at timestamptz not null,
    -- readers follow (tx, id), and only up to the oldest transaction under way, so that no late commit is skipped
    tx xid8 not null default pg_current_xact_id(),
    primary key (account_id, tx, id)
);
create index outbox_feed on outbox (tx, id);

-- work and audit -----------------------------------------------------------------------------------------

create table work_items (
    account_id uuid not null references accounts,
    id uuid not null,
    key text not null,
    kind text not null,
    owner text not null check (owner in ('account', 'support', 'partner')),
    return_id uuid,
    operation_id uuid,
    summary text not null,
    detail jsonb not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    closed_by text,
    resolution text,
    primary key (account_id, id),
    check ((closed_at is null) = (closed_by is null))
);
create unique index work_items_once on work_items (account_id, key) where closed_at is null;
create index work_items_open on work_items (account_id, id) where closed_at is null;

create table audit (
    id uuid primary key,
    account_id uuid,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    before jsonb,
    after jsonb,
    previous bytea not null,
    digest bytea not null unique
);
create index audit_by_account on audit (account_id, id);
create trigger audit_is_a_fact before update or delete on audit
    for each row execute function hub_refuse_change();

-- row-level security on every table ----------------------------------------------------------------------

do $$
declare name text;
begin
    foreach name in array array['connections', 'warehouses', 'warehouse_accounts', 'channels', 'channel_marketplaces',
        'policies', 'policy_versions', 'returns', 'return_lines', 'order_lines', 'timeline', 'receipts',
        'receipt_items', 'memos', 'operations', 'attempts', 'inbox', 'polls', 'outbox', 'work_items', 'audit',
        'api_keys', 'idempotency_keys', 'accounts', 'partners']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['connections', 'warehouse_accounts', 'channels', 'channel_marketplaces', 'policies',
        'policy_versions', 'return_lines', 'order_lines', 'timeline', 'receipts', 'receipt_items', 'memos',
        'operations', 'attempts', 'inbox', 'polls', 'outbox', 'work_items', 'audit']
    loop
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
end $$;

-- an account may read its own row; only the platform writes and removes
create policy own on accounts for select using (hub_sees(id));
create policy platform on accounts using (hub_is_platform()) with check (hub_is_platform());
create policy platform on partners using (hub_is_platform()) with check (hub_is_platform());
create policy platform on api_keys using (hub_is_platform()) with check (hub_is_platform());
create policy platform on idempotency_keys using (hub_is_platform()) with check (hub_is_platform());

-- an account sees the warehouses that are to receive its goods; a warehouse sees itself
create policy own on warehouses for select
    using (id = hub_warehouse() or exists (
        select from warehouse_accounts held where held.warehouse_id = warehouses.id and hub_sees(held.account_id)));
create policy platform on warehouses using (hub_is_platform()) with check (hub_is_platform());

-- a warehouse sees the returns that are routed to it, of any account, and changes nothing under this scope
create policy own on returns using (hub_sees(account_id)) with check (hub_sees(account_id));
create policy warehouse_reads on returns for select using (warehouse_id = hub_warehouse());
create policy warehouse_reads on accounts for select using (exists (
    select from warehouse_accounts held where held.warehouse_id = hub_warehouse() and held.account_id = accounts.id));
create policy warehouse_reads on warehouse_accounts for select using (warehouse_id = hub_warehouse());
create policy warehouse_reads on return_lines for select using (hub_warehouse() is not null and exists (
    select from returns routed where routed.account_id = return_lines.account_id
        and routed.id = return_lines.return_id and routed.warehouse_id = hub_warehouse()));
