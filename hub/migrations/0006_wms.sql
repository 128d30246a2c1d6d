-- Partners' own systems (WMS): what they are told, and what they hold of returns.

alter table operations drop constraint operations_effect_check;
alter table operations
    add constraint operations_effect_check
        check (effect in ('acknowledge', 'announce', 'amend', 'withdraw', 'settle')) not valid;
alter table operations validate constraint operations_effect_check;

-- reading: how far each system was read, and when its hooks were last looked at
create table wms_readings (
    connection_id uuid primary key references connections,
    cursor text,
    next_at timestamptz not null,
    lease_until timestamptz,
    failures integer not null default 0,
    last_ok_at timestamptz,
    hinted_at timestamptz,
    hooks_checked_at timestamptz,
    hooks_why text
);
create index wms_readings_due on wms_readings (next_at);

-- hints: one row for each event that a system told of, kept until the return was read again
create table wms_hints (
    connection_id uuid not null references connections,
    id uuid not null,
    key text not null,
    about jsonb not null,
    state text not null check (state in ('waiting', 'followed', 'given_up')),
    attempt integer not null default 0 check (attempt >= 0),
    next_at timestamptz not null,
    why text,
    received_at timestamptz not null,
    primary key (connection_id, id),
    unique (connection_id, key)
);
create index wms_hints_waiting on wms_hints (connection_id, next_at) where state = 'waiting';
create index wms_hints_age on wms_hints (received_at) where state <> 'waiting';

-- what a system holds of one return: the row is the lock, and its revision counts what changed. Without an account
-- nobody knows whose goods they are.
create table wms_returns (
    connection_id uuid not null references connections,
    reference text not null,
    account_id uuid references accounts,
    return_id uuid,
    return_number text,
    snapshot jsonb,
    booked jsonb not null default '[]',
    digest bytea,
    progress text,
    doubts text[] not null default '{}',
    revision integer not null default 0 check (revision >= 0),
    asked_at timestamptz,
    changed_at timestamptz,
    primary key (connection_id, reference),
    foreign key (account_id, return_id) references returns,
    check (return_id is null or account_id is not null)
);
create index wms_returns_of_a_return on wms_returns (account_id, return_id);
create index wms_returns_of_nobody on wms_returns (connection_id) where return_id is null;

-- words: what a system's words mean, where an account or the partner knows it better than the connector. Without an
-- account it holds for everybody at this connection.
create table wms_words (
    connection_id uuid not null references connections,
    account_id uuid references accounts,
    -- state: of goods, with its meaning; reason: of ours, with the system's code; client: whose goods they are
    kind text not null check (kind in ('state', 'reason', 'client')),
    word text not null,
    means jsonb not null,
    said_by text not null,
    said_at timestamptz not null
);
create unique index wms_words_once on wms_words (connection_id, kind, word,
    coalesce(account_id, '00000000-0000-0000-0000-000000000000'));

do $$
declare name text;
begin
    foreach name in array array['wms_readings', 'wms_hints', 'wms_returns', 'wms_words']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['wms_returns', 'wms_words']
    loop
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
    -- a system speaks for many accounts, so what it is asked for is nobody's
    foreach name in array array['wms_readings', 'wms_hints']
    loop
        execute format('create policy platform on %I using (hub_is_platform()) with check (hub_is_platform())', name);
    end loop;
    foreach name in array array['wms_readings', 'wms_hints', 'wms_returns', 'wms_words']
    loop
        execute format('create policy partner_reads on %I for select using (hub_partner() is not null
            and connection_id in (select held.id from connections held where held.partner_id = hub_partner()))', name);
    end loop;
end $$;
