-- people -------------------------------------------------------------------------------------------------

create function hub_owner_fits(role text, account_id uuid, partner_id uuid, warehouse_id uuid)
returns boolean language sql immutable as $$
    select case
        when role in ('support_agent', 'support_admin', 'auditor') then num_nonnulls(account_id, partner_id, warehouse_id) = 0
        when role in ('account_admin', 'account_viewer') then account_id is not null and num_nonnulls(partner_id, warehouse_id) = 0
        when role in ('partner_admin', 'partner_operator') then partner_id is not null and num_nonnulls(account_id, warehouse_id) = 0
        when role = 'warehouse_operator' then warehouse_id is not null and num_nonnulls(account_id, partner_id) = 0
        else false end
$$;

create table users (
    id uuid primary key,
    -- normalised by the hub, so that the same address is never two people
    email text not null unique check (email = lower(email)),
    name text not null,
    locale text not null check (locale in ('en', 'nl', 'de', 'fr')),
    time_zone text not null,
    -- when the address was proven by a mail or by a provider
    verified_at timestamptz,
    created_at timestamptz not null
);

-- apart from the users, whom their accounts may read
create table credentials (
    user_id uuid primary key references users on delete cascade,
    password text,
    totp bytea,
    -- when the first code proved that the secret arrived; without it the secret counts for nothing
    totp_at timestamptz,
    -- the step of the last code that was taken, so that none is taken twice
    totp_step bigint not null default 0,
    check (totp_at is null or totp is not null)
);

create table identity_providers (
    id uuid primary key,
    account_id uuid references accounts,
    partner_id uuid references partners,
    name text not null,
    issuer text not null,
    client_id text not null,
    sealed bytea not null,
    role text not null,
    created_at timestamptz not null,
    check (hub_owner_fits(role, account_id, partner_id, null) and num_nonnulls(account_id, partner_id) = 1)
);

create table identity_domains (
    -- a domain belongs to one provider
    domain text primary key check (domain = lower(domain)),
    provider_id uuid not null references identity_providers on delete cascade
);

create table identities (
    provider_id uuid not null references identity_providers on delete cascade,
    subject text not null,
    user_id uuid not null references users on delete cascade,
    primary key (provider_id, subject)
);

create table memberships (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    role text not null,
    account_id uuid references accounts,
    partner_id uuid references partners,
    warehouse_id uuid references warehouses,
    -- set where a provider made it: then it opens through that provider only
    provider_id uuid references identity_providers on delete cascade,
    created_at timestamptz not null,
    used_at timestamptz,
    check (hub_owner_fits(role, account_id, partner_id, warehouse_id))
);
create unique index memberships_once on memberships
    (user_id, coalesce(account_id, partner_id, warehouse_id, '00000000-0000-0000-0000-000000000000'));
create index memberships_of_account on memberships (account_id) where account_id is not null;
create index memberships_of_partner on memberships (partner_id) where partner_id is not null;

create table invitations (
    id uuid primary key,
    email text not null check (email = lower(email)),
    role text not null,
    account_id uuid references accounts,
    partner_id uuid references partners,
    warehouse_id uuid references warehouses,
    digest bytea not null unique,
    -- whether the link went to the address itself, and so proves it
    mailed boolean not null,
    invited_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    accepted_by uuid references users on delete set null,
    check (hub_owner_fits(role, account_id, partner_id, warehouse_id))
);
create unique index invitations_once on invitations
    (email, coalesce(account_id, partner_id, warehouse_id, '00000000-0000-0000-0000-000000000000'))
    where ended_at is null;

create table links (
    digest bytea primary key,
    user_id uuid not null references users on delete cascade,
    purpose text not null check (purpose in ('sign_in', 'password')),
    mailed boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index links_of_user on links (user_id);

-- factors ------------------------------------------------------------------------------------------------

create table recovery_codes (
    user_id uuid not null references users on delete cascade,
    digest bytea not null,
    used_at timestamptz,
    primary key (user_id, digest)
);

create table passkeys (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null,
    credential_id bytea not null unique,
    credential bytea not null,
    sign_count bigint not null,
    created_at timestamptz not null,
    used_at timestamptz
);
create index passkeys_of_user on passkeys (user_id);

create table known_browsers (
    digest bytea primary key,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null,
    seen_at timestamptz not null
);

-- devices and their operators ----------------------------------------------------------------------------

create table devices (
    id uuid primary key,
    warehouse_id uuid not null references warehouses,
    name text not null,
    -- of the link that enrols a browser once, and then of the cookie that the browser holds
    link_digest bytea unique,
    link_expires_at timestamptz not null,
    digest bytea unique,
    created_at timestamptz not null,
    enrolled_at timestamptz,
    seen_at timestamptz,
    revoked_at timestamptz,
    check ((digest is null) = (enrolled_at is null)),
    check ((link_digest is null) = (enrolled_at is not null))
);
create index devices_of_warehouse on devices (warehouse_id);

create table operators (
    id uuid primary key,
    warehouse_id uuid not null references warehouses,
    name text not null,
    pin bytea not null,
    created_at timestamptz not null,
    removed_at timestamptz
);
create unique index operators_name on operators (warehouse_id, lower(name)) where removed_at is null;

-- sessions -----------------------------------------------------------------------------------------------

create table sessions (
    id uuid primary key,
    digest bytea not null unique,
    method text not null check (method in ('password', 'link', 'passkey', 'provider', 'pin')),
    user_id uuid references users on delete cascade,
    membership_id uuid references memberships on delete set null,
    provider_id uuid references identity_providers on delete cascade,
    operator_id uuid references operators,
    device_id uuid references devices,
    -- when a second factor was shown
    second_at timestamptz,
    impersonation_id uuid references impersonations on delete set null,
    address text not null,
    agent text not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null,
    ended_at timestamptz,
    check (case method when 'pin' then operator_id is not null and device_id is not null and user_id is null
                       else operator_id is null and device_id is null and user_id is not null end),
    check ((method = 'provider') = (provider_id is not null))
);
create index sessions_of_user on sessions (user_id) where ended_at is null;
create index sessions_of_device on sessions (device_id) where ended_at is null;
create index sessions_age on sessions (ends_at);

create table guesses (
    key bytea primary key,
    failures integer not null check (failures >= 0),
    last_at timestamptz not null,
    wait_until timestamptz not null
);
create index guesses_age on guesses (last_at);

-- what a browser is in the middle of: a provider's or a passkey's answer to come, and forms typed too late
create table ceremonies (
    digest bytea primary key,
    kind text not null check (kind in ('provider', 'passkey', 'form')),
    user_id uuid references users on delete cascade,
    sealed bytea not null,
    expires_at timestamptz not null
);
create index ceremonies_age on ceremonies (expires_at);

-- mail ---------------------------------------------------------------------------------------------------

create table mails (
    id uuid primary key,
    template text not null,
    -- the letter, its address included; taken away once it is sent
    sealed bytea,
    state text not null check (state in ('waiting', 'claimed', 'sent', 'dead')),
    attempt integer not null default 0,
    next_at timestamptz,
    lease_until timestamptz,
    why text,
    created_at timestamptz not null,
    finished_at timestamptz,
    check ((state = 'waiting') = (next_at is not null)),
    check ((state = 'claimed') = (lease_until is not null)),
    check ((state in ('waiting', 'claimed')) = (sealed is not null)),
    check ((state in ('sent', 'dead')) = (finished_at is not null))
);
create index mails_due on mails (next_at) where state = 'waiting';

-- row-level security on every table ----------------------------------------------------------------------

do $$
declare name text;
begin
    foreach name in array array['users', 'credentials', 'identity_providers', 'identity_domains', 'identities', 'memberships',
        'invitations', 'links', 'recovery_codes', 'passkeys', 'known_browsers', 'devices', 'operators', 'sessions',
        'guesses', 'ceremonies', 'mails']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy platform on %I using (hub_is_platform()) with check (hub_is_platform())', name);
    end loop;
end $$;

-- an account and a partner read who their people are, whom it invited and how they sign in; only the platform writes
do $$
declare name text;
begin
    foreach name in array array['memberships', 'invitations', 'identity_providers']
    loop
        execute format('create policy account_reads on %I for select using (account_id = hub_account())', name);
        execute format('create policy partner_reads on %I for select using (partner_id = hub_partner())', name);
    end loop;
end $$;
create policy account_reads on users for select using (hub_account() is not null and exists (
    select from memberships held where held.user_id = users.id and held.account_id = hub_account()));
create policy partner_reads on users for select using (hub_partner() is not null and exists (
    select from memberships held where held.user_id = users.id and held.partner_id = hub_partner()));
