-- outgoing webhooks --------------------------------------------------------------------------------------

create table webhook_endpoints (
    id uuid primary key,
    account_id uuid references accounts,
    partner_id uuid references partners,
    url text not null,
    description text not null,
    -- none means all
    events text[] not null,
    state text not null check (state in ('active', 'disabled')),
    why text,
    sealed bytea not null,
    -- the secret before this one, by which is signed as well until its time is over
    old_sealed bytea,
    old_until timestamptz,
    -- how far the feed was read for this endpoint
    tx xid8 not null,
    last uuid not null,
    failing_since timestamptz,
    failed_at timestamptz,
    notices integer not null default 0,
    created_at timestamptz not null,
    created_by text not null,
    check (num_nonnulls(account_id, partner_id) = 1),
    check ((state = 'disabled') = (why is not null)),
    check ((old_sealed is null) = (old_until is null)),
    check ((failing_since is null) = (failed_at is null))
);
create index webhook_endpoints_of_account on webhook_endpoints (account_id, id) where account_id is not null;
create index webhook_endpoints_of_partner on webhook_endpoints (partner_id, id) where partner_id is not null;

-- one event that one endpoint is told
create table webhook_deliveries (
    endpoint_id uuid not null references webhook_endpoints on delete cascade,
    id uuid not null,
    account_id uuid references accounts,
    partner_id uuid references partners,
    -- the order in which the feed has them
    place bigserial,
    -- what is told in order: a return, or the message alone
    flow uuid not null,
    type text not null,
    -- the very text that is signed
    body text not null,
    state text not null check (state in ('waiting', 'claimed', 'delivered', 'failed')),
    attempt integer not null default 0,
    next_at timestamptz,
    lease_until timestamptz,
    why text,
    event_at timestamptz not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (endpoint_id, id),
    check ((state = 'waiting') = (next_at is not null)),
    check ((state = 'claimed') = (lease_until is not null)),
    check ((state in ('delivered', 'failed')) = (finished_at is not null))
);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, coalesce(next_at, lease_until))
    where state in ('waiting', 'claimed');
create index webhook_deliveries_flow on webhook_deliveries (endpoint_id, flow, place)
    where state in ('waiting', 'claimed');
create index webhook_deliveries_listed on webhook_deliveries (endpoint_id, place);
create index webhook_deliveries_age on webhook_deliveries (finished_at) where finished_at is not null;

create table webhook_attempts (
    endpoint_id uuid not null,
    delivery_id uuid not null,
    id uuid not null,
    account_id uuid references accounts,
    partner_id uuid references partners,
    number integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    status integer,
    outcome text not null check (outcome in ('delivered', 'retried', 'failed')),
    why text,
    request text not null,
    response text not null,
    primary key (endpoint_id, delivery_id, id),
    foreign key (endpoint_id, delivery_id) references webhook_deliveries on delete cascade
);
create trigger webhook_attempts_are_facts before update on webhook_attempts
    for each row execute function hub_refuse_change();

-- row-level security: parties read what is theirs; only the platform writes
do $$
declare name text;
begin
    foreach name in array array['webhook_endpoints', 'webhook_deliveries', 'webhook_attempts']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy platform on %I using (hub_is_platform()) with check (hub_is_platform())', name);
        execute format('create policy account_reads on %I for select using (account_id = hub_account())', name);
        execute format('create policy partner_reads on %I for select using (partner_id = hub_partner())', name);
    end loop;
end $$;

-- notices ------------------------------------------------------------------------------------------------

-- work items are read in the order of their transactions, as the feed is; those of before are no news
alter table work_items add column opened_tx xid8 not null default '0';
alter table work_items alter column opened_tx set default pg_current_xact_id();
create index work_items_feed on work_items (opened_tx, id);

-- what a member wants to hear of by mail, and how soon
create table notice_choices (
    membership_id uuid not null references memberships on delete cascade,
    subject text not null,
    how text not null check (how in ('immediately', 'daily')),
    primary key (membership_id, subject)
);

create table notices (
    id uuid not null,
    membership_id uuid not null references memberships on delete cascade,
    account_id uuid not null references accounts,
    subject text not null,
    said text not null,
    how text not null check (how in ('immediately', 'daily')),
    at timestamptz not null,
    due_at timestamptz not null,
    primary key (membership_id, id)
);
create index notices_due on notices (due_at);

-- how far each source was read
create table notice_places (
    source text primary key check (source in ('events', 'work')),
    tx xid8 not null,
    last uuid not null
);
insert into notice_places
select source, pg_current_xact_id(), '00000000-0000-0000-0000-000000000000' from unnest(array['events', 'work']) as source;

do $$
declare name text;
begin
    foreach name in array array['notice_choices', 'notices', 'notice_places']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy platform on %I using (hub_is_platform()) with check (hub_is_platform())', name);
    end loop;
end $$;
