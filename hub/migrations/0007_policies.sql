-- Policies: what they said to each return, drafts beside the published versions, and simulations of drafts.
-- Versions that were published before stay what they are: whatever they do not say stands at its default.

create index policies_id on policies (id);
alter table policy_versions
    add column published_by text,
    -- in whose place it was published again, if it rolls back to an earlier one
    add column restores integer,
    add column note text;

-- one draft beside each policy; its revision tells two people apart who change it at once
create table policy_drafts (
    account_id uuid not null,
    policy_id uuid not null,
    revision integer not null check (revision > 0),
    -- the version that was published when the draft was begun
    base integer not null,
    rules jsonb not null,
    note text,
    -- the revision that was found fit to be published
    validated integer check (validated <= revision),
    changed_by text not null,
    changed_at timestamptz not null,
    primary key (account_id, policy_id),
    foreign key (account_id, policy_id) references policies
);

-- what a policy said to a return when it was asked for, by which facts; the version is the return's
create table policy_decisions (
    account_id uuid not null,
    return_id uuid not null,
    -- a digest, never a person
    customer text check (customer ~ '^[0-9a-f]{64}$'),
    facts jsonb not null,
    decision jsonb not null,
    override text,
    decided_at timestamptz not null,
    primary key (account_id, return_id),
    foreign key (account_id, return_id) references returns
);
create index policy_decisions_of_a_customer on policy_decisions (account_id, customer, decided_at)
    where customer is not null;
create trigger policy_decisions_are_facts before update or delete on policy_decisions
    for each row execute function hub_refuse_change();

-- simulations --------------------------------------------------------------------------------------------

create table simulations (
    account_id uuid not null,
    id uuid not null,
    policy_id uuid not null,
    -- the rules as they were simulated, for a draft moves on
    rules jsonb not null,
    since timestamptz not null,
    until timestamptz not null,
    state text not null check (state in ('running', 'done', 'failed')),
    cursor uuid,
    total integer not null check (total >= 0),
    compared integer not null default 0 check (compared >= 0),
    changed integer not null default 0 check (changed >= 0),
    figures jsonb not null default '{}',
    why text,
    lease_until timestamptz,
    next_at timestamptz,
    failures integer not null default 0,
    started_by text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (account_id, id),
    foreign key (account_id, policy_id) references policies,
    check ((state = 'running') = (next_at is not null)),
    check ((state = 'running') = (finished_at is null))
);
create unique index simulations_one_at_a_time on simulations (account_id, policy_id) where state = 'running';
create index simulations_id on simulations (id);
create index simulations_due on simulations (next_at) where state = 'running';

create table simulated_changes (
    account_id uuid not null,
    simulation_id uuid not null,
    return_id uuid not null,
    kinds text[] not null check (cardinality(kinds) > 0),
    before jsonb not null,
    after jsonb not null,
    primary key (account_id, simulation_id, return_id),
    foreign key (account_id, simulation_id) references simulations,
    foreign key (account_id, return_id) references returns
);
create index simulated_changes_by_simulation on simulated_changes (simulation_id, return_id);

-- row-level security on every table ----------------------------------------------------------------------

do $$
declare name text;
begin
    foreach name in array array['policy_drafts', 'policy_decisions', 'simulations', 'simulated_changes']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
end $$;
