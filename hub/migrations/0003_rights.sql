-- A partner's scope beside an account's and a warehouse's. It sees what is its own and what its warehouses are to
-- receive, and changes nothing: whatever it may change is written under the platform's or an account's scope.
create function hub_account() returns uuid language sql stable as $$
    select nullif(current_setting('hub.account', true), '')::uuid
$$;
create function hub_partner() returns uuid language sql stable as $$
    select nullif(current_setting('hub.partner', true), '')::uuid
$$;

create policy partner_reads on partners for select using (id = hub_partner());
create policy partner_reads on warehouses for select using (partner_id = hub_partner());
create policy partner_reads on connections for select using (partner_id = hub_partner());

-- the warehouses in the inner query are those that this scope sees, and for a partner those are its own
create policy partner_reads on returns for select using (hub_partner() is not null and warehouse_id in (
    select place.id from warehouses place where place.partner_id = hub_partner()));
create policy partner_reads on return_lines for select using (hub_partner() is not null and exists (
    select from returns routed where routed.account_id = return_lines.account_id
        and routed.id = return_lines.return_id and routed.warehouse_id in (
            select place.id from warehouses place where place.partner_id = hub_partner())));
create policy partner_reads on timeline for select using (hub_partner() is not null and exists (
    select from returns routed where routed.account_id = timeline.account_id
        and routed.id = timeline.return_id and routed.warehouse_id in (
            select place.id from warehouses place where place.partner_id = hub_partner())));
create policy partner_reads on receipts for select using (hub_partner() is not null and warehouse_id in (
    select place.id from warehouses place where place.partner_id = hub_partner()));
create policy partner_reads on receipt_items for select using (hub_partner() is not null and exists (
    select from receipts booked where booked.account_id = receipt_items.account_id
        and booked.id = receipt_items.receipt_id and booked.warehouse_id in (
            select place.id from warehouses place where place.partner_id = hub_partner())));

-- a partner's list goes by this one
create index returns_by_warehouse on returns (warehouse_id, id);

-- an account sees the warehouse that it runs, also before a policy names it
create policy account_reads on warehouses for select using (account_id = hub_account());

-- API keys: of partners too, narrowed, for a time, and replaced with an overlap ----------------------------------

alter table api_keys
    drop constraint api_keys_role_check,
    drop constraint api_keys_check,
    add column partner_id uuid references partners,
    add column scopes text[],
    add column expires_at timestamptz,
    add column replaces uuid unique references api_keys,
    add constraint api_keys_role check (role in ('platform', 'account', 'partner', 'warehouse')),
    add constraint api_keys_owner check (num_nonnulls(account_id, partner_id, warehouse_id) = 1
        and case role when 'account' then account_id when 'partner' then partner_id
                      when 'warehouse' then warehouse_id end is not null
        or role = 'platform' and num_nonnulls(account_id, partner_id, warehouse_id) = 0),
    add constraint api_keys_scopes check (cardinality(scopes) > 0);

-- a party sees its own keys and those of the warehouses it runs; only the platform writes
create policy account_reads on api_keys for select using (account_id = hub_account() or warehouse_id in (
    select place.id from warehouses place where place.account_id = hub_account()));
create policy partner_reads on api_keys for select using (partner_id = hub_partner() or warehouse_id in (
    select place.id from warehouses place where place.partner_id = hub_partner()));

-- Impersonation: support looks with a party's eyes for a while ---------------------------------------------------

create table impersonations (
    id uuid primary key,
    support_id uuid not null,
    support_name text not null,
    account_id uuid references accounts,
    partner_id uuid references partners,
    reason text not null,
    began_at timestamptz not null,
    ends_at timestamptz not null,
    ended_at timestamptz,
    check (num_nonnulls(account_id, partner_id) = 1),
    check (ends_at > began_at and ended_at >= began_at)
);
create index impersonations_of_support on impersonations (support_id, id);
alter table impersonations enable row level security;
alter table impersonations force row level security;
create policy platform on impersonations using (hub_is_platform()) with check (hub_is_platform());
