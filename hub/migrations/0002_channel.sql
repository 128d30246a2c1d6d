-- What marketplaces do in their own ways: profiles, informational returns, deadlines, hints, history, reconciliation.
-- New columns may be empty, so that the version before goes on working beside this one.

-- profiles -----------------------------------------------------------------------------------------------

-- what the account knows better than the connector, field by field; and that a person let it settle for the first time
alter table channel_marketplaces
    add column profile jsonb not null default '{}',
    add column confirmed_by text,
    add column confirmed_at timestamptz,
    -- when the deadlines of open returns follow a changed profile once more, for births that met the one before
    add column recompute_at timestamptz,
    add constraint confirmed_by_somebody check ((confirmed_by is null) = (confirmed_at is null));

-- returns ------------------------------------------------------------------------------------------------

alter table returns
    add column informational text check (informational in
        ('marketplace_fulfilled', 'marketplace_refunds', 'before_the_hub', 'created_elsewhere')),
    -- when the customer started it, by the channel's clock
    add column started_at timestamptz,
    add column arrived_at timestamptz,
    -- kept when the marketplace refuses it afterwards, for the channel had taken it; and when it last refused so
    add column settled_at timestamptz,
    add column refused_at timestamptz,
    -- the channel's own word; when it last showed the return open, empty once it is not; when it was last asked for it
    add column channel_status text,
    add column seen_open_at timestamptz,
    add column fetched_at timestamptz,
    drop constraint returns_status_check,
    drop constraint returns_ending_check;
alter table returns
    add constraint returns_status_check check (status in ('expected', 'approved', 'partially_received', 'received',
        'processed', 'completed', 'canceled', 'channel_canceled', 'expired', 'informational')) not valid,
    add constraint returns_ending_check check (ending in ('open', 'canceled', 'channel_canceled', 'expired')) not valid,
    -- what is only shown is neither received nor settled
    add constraint returns_informational check (informational is null
        or (settlement = 'none' and finalised_at is null and arrived_at is null and ending = 'open')) not valid;
alter table returns validate constraint returns_status_check;
alter table returns validate constraint returns_ending_check;
alter table returns validate constraint returns_informational;

create function hub_keep_informational() returns trigger language plpgsql as $$
begin
    raise exception 'whether return % is only shown is fixed at birth', old.number using errcode = 'restrict_violation';
end $$;
create trigger returns_keep_informational before update on returns
    for each row when (old.informational is distinct from new.informational) execute function hub_keep_informational();

update returns set seen_open_at = created_at
    where kind = 'channel' and status in ('expected', 'partially_received', 'received', 'processed');
create index returns_open_at_channel on returns (account_id, connection_id, seen_open_at)
    where kind = 'channel' and seen_open_at is not null
        and status in ('expected', 'partially_received', 'received', 'processed', 'informational');
-- before this, nothing was finalised of which nothing had come
update returns set arrived_at = (select min(received_at) from receipts
    where receipts.account_id = returns.account_id and receipts.return_id = returns.id and not late)
where finalised_at is not null or status = 'partially_received';

create index returns_settled on returns (account_id, connection_id, settled_at)
    where settlement = 'settled' or settlement = 'refused' and sync = 'conflict';

-- the memo says under which profile it was drafted, who decided if it was not the policy, and what the policy drafted
alter table memos
    add column profile jsonb,
    add column decided_by text,
    add column decided_at timestamptz,
    add column why text,
    add column draft jsonb,
    add constraint decided_by_somebody check (
        num_nonnulls(decided_by, decided_at, why) in (0, 3) and (draft is null or decided_by is not null));

-- what a marketplace refused after the channel had taken it
create table refusals (
    account_id uuid not null references accounts,
    connection_id uuid not null references connections,
    -- the notice's own id
    key text not null,
    return_id uuid,
    return_number text not null,
    message text not null,
    at timestamptz not null,
    taken_at timestamptz not null,
    primary key (account_id, connection_id, key),
    foreign key (account_id, return_id) references returns
);
create index refusals_of_a_return on refusals (account_id, return_id, taken_at);
create trigger refusals_are_facts before update or delete on refusals
    for each row execute function hub_refuse_change();

create table deadlines (
    account_id uuid not null,
    return_id uuid not null,
    -- cancel: the channel cancels it; decide: the channel wants a decision; arrive: the policy waits no longer;
    -- finalise: what came is all that came; confirm: nobody refused it again, so it was paid
    kind text not null check (kind in ('cancel', 'decide', 'arrive', 'finalise', 'confirm')),
    at timestamptz not null,
    warn_at timestamptz not null,
    warned_at timestamptz,
    passed_at timestamptz,
    primary key (account_id, return_id, kind),
    foreign key (account_id, return_id) references returns,
    check (warn_at <= at)
);
create index deadlines_to_warn on deadlines (warn_at) where warned_at is null and passed_at is null;
create index deadlines_to_pass on deadlines (at) where passed_at is null;
create index deadlines_soonest on deadlines (account_id, at, return_id, kind);
create index deadlines_near on deadlines (warned_at) where warned_at is not null and passed_at is null;
create index deadlines_passed on deadlines (passed_at) where passed_at is not null;

create index work_items_of_a_return on work_items (account_id, return_id) where closed_at is null;
create index channel_marketplaces_to_recompute on channel_marketplaces (recompute_at) where recompute_at is not null;

-- connections --------------------------------------------------------------------------------------------

alter table connections
    -- until when a kind of call waits, because the vendor asked for it
    add column limited jsonb not null default '{}',
    -- where the vendor knocks: the secret of the address, and how its registration stands
    add column knock_digest bytea,
    add column knock_sealed bytea,
    add column subscribed_at timestamptz,
    add column subscription_checked_at timestamptz,
    add column subscription_why text;

alter table polls
    add column polled_at timestamptz,
    add column knocked_at timestamptz,
    -- when the last walk over everything open began
    add column walked_at timestamptz,
    add column refusals_cursor text,
    add column refusals_at timestamptz,
    -- changes that no knock announced: all there were, and those since the hour began
    add column repaired integer not null default 0 check (repaired >= 0),
    add column repaired_lately integer not null default 0 check (repaired_lately >= 0),
    add column repaired_at timestamptz,
    add column reconcile_at timestamptz;

-- what a marketplace may still refuse
create index returns_watched on returns (account_id, connection_id, settled_at) where settled_at is not null;

-- inbox --------------------------------------------------------------------------------------------------

alter table inbox
    add column kind text not null default 'return' check (kind in ('return', 'refusal')),
    -- the back-fill that read it first
    add column backfill_id uuid;
create index inbox_by_subject on inbox (account_id, connection_id, subject, received_at);
create index inbox_without_return on inbox (account_id, connection_id) where state = 'handled' and return_id is null;

-- which product a person said a line of a channel return is, for as long as the channel shows its product as `shown`
create table line_links (
    account_id uuid not null references accounts,
    connection_id uuid not null references connections,
    external_id text not null,
    position integer not null check (position > 0),
    shown text not null,
    sku text not null,
    order_line text,
    linked_by text not null,
    linked_at timestamptz not null,
    primary key (account_id, connection_id, external_id, position)
);

create table backfills (
    account_id uuid not null references accounts,
    id uuid not null,
    connection_id uuid not null references connections,
    since timestamptz not null,
    state text not null check (state in ('running', 'done', 'failed')),
    cursor text,
    read integer not null default 0 check (read >= 0),
    born integer not null default 0 check (born >= 0),
    total integer,
    why text,
    lease_until timestamptz,
    next_at timestamptz,
    failures integer not null default 0,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (account_id, id),
    check ((state = 'running') = (next_at is not null)),
    check ((state = 'running') = (finished_at is null))
);
create unique index backfills_one_at_a_time on backfills (account_id, connection_id) where state = 'running';
create index backfills_due on backfills (next_at) where state = 'running';

-- reconciliation -----------------------------------------------------------------------------------------

create table reconciliations (
    account_id uuid not null references accounts,
    id uuid not null,
    connection_id uuid not null references connections,
    state text not null check (state in ('running', 'done', 'failed')),
    since timestamptz not null,
    cursor text,
    compared integer not null default 0 check (compared >= 0),
    found integer not null default 0 check (found >= 0),
    why text,
    lease_until timestamptz,
    next_at timestamptz,
    failures integer not null default 0,
    started_by text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (account_id, id),
    check ((state = 'running') = (next_at is not null)),
    check ((state = 'running') = (finished_at is null))
);
create unique index reconciliations_one_at_a_time on reconciliations (account_id, connection_id)
    where state = 'running';
create index reconciliations_due on reconciliations (next_at) where state = 'running';

-- when a run last held a return against the channel: whether the channel has to be asked for it alone, and whether both
-- said the same of a decision that cannot change any more
create table comparisons (
    account_id uuid not null,
    return_id uuid not null,
    compared_at timestamptz not null,
    closer boolean not null,
    verified boolean not null,
    primary key (account_id, return_id),
    foreign key (account_id, return_id) references returns
);

create table differences (
    account_id uuid not null references accounts,
    id uuid not null,
    connection_id uuid not null references connections,
    -- names what differs, so that it is one row however often it is found
    key text not null,
    kind text not null check (kind in ('missing', 'extra', 'quantity', 'status')),
    cause text not null,
    return_id uuid,
    external_id text,
    ours jsonb,
    theirs jsonb,
    found_at timestamptz not null,
    seen_at timestamptz not null,
    repair text not null,
    repaired_at timestamptz,
    repaired_by text,
    outcome text,
    closed_at timestamptz,
    primary key (account_id, id),
    foreign key (account_id, return_id) references returns,
    check ((repaired_at is null) = (repaired_by is null))
);
create unique index differences_once on differences (account_id, connection_id, key) where closed_at is null;
create index differences_open on differences (account_id, id) where closed_at is null;
create index differences_by_return on differences (account_id, return_id) where closed_at is null;
create index differences_by_external on differences (account_id, external_id) where closed_at is null;

-- row-level security on every table ----------------------------------------------------------------------

do $$
declare name text;
begin
    foreach name in array array['refusals', 'deadlines', 'line_links', 'backfills', 'reconciliations', 'comparisons',
        'differences']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
end $$;
