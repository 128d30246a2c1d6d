-- Photos of what arrived. The bytes lie in a folder or a bucket; what is here says whose they are and what they show.

create table photos (
    id uuid primary key,
    -- empty while nobody knows whose the parcel is
    account_id uuid references accounts,
    warehouse_id uuid not null references warehouses,
    return_id uuid,
    -- an unknown parcel
    parcel_id uuid,
    -- the client's own name for it, under which it may be sent again
    key text not null,
    subject text not null check (subject in ('parcel', 'label', 'product', 'damage')),
    -- of the bytes that are kept, and of those that came
    sha256 bytea not null check (length(sha256) = 32),
    received_digest bytea not null,
    object text not null,
    size integer not null check (size > 0),
    width integer not null check (width > 0),
    height integer not null check (height > 0),
    -- by the clock of the device
    taken_at timestamptz,
    added_at timestamptz not null,
    added_by text not null,
    remove_at timestamptz not null,
    removed_at timestamptz,
    unique (warehouse_id, key),
    foreign key (account_id, return_id) references returns,
    check (return_id is null or account_id is not null)
);
create index photos_of_a_return on photos (account_id, return_id, id) where return_id is not null;
create index photos_of_a_parcel on photos (parcel_id) where parcel_id is not null;
create index photos_of_an_object on photos (object) where removed_at is null;
create index photos_to_remove on photos (remove_at) where removed_at is null;

create trigger photos_stay before delete on photos for each row execute function hub_refuse_change();
create function hub_keep_photo() returns trigger language plpgsql as $$
begin
    raise exception 'photo % is a fact and is never changed', old.id using errcode = 'restrict_violation';
end $$;
-- what may still change is whose it is and what it shows, while that is not known, and when it goes
create trigger photos_are_facts before update on photos for each row when (
    (old.id, old.warehouse_id, old.key, old.subject, old.sha256, old.received_digest, old.object, old.size, old.width,
        old.height, old.taken_at, old.added_at, old.added_by)
    is distinct from
    (new.id, new.warehouse_id, new.key, new.subject, new.sha256, new.received_digest, new.object, new.size, new.width,
        new.height, new.taken_at, new.added_at, new.added_by)
    or (old.account_id is not null and old.account_id is distinct from new.account_id)
    or (old.return_id is not null and old.return_id is distinct from new.return_id)
    or (old.removed_at is not null and old.removed_at is distinct from new.removed_at))
    execute function hub_keep_photo();

-- every object that is, or may be, in the store; one with a moment is due to be looked at, and goes if no photo needs it
create table photo_objects (
    name text primary key,
    stored_at timestamptz,
    due_at timestamptz
);
create index photo_objects_due on photo_objects (due_at) where due_at is not null;

-- for how long an account wants its photos kept; without a row, as the hub does
create table photo_retentions (
    account_id uuid primary key references accounts,
    days integer not null check (days between 1 and 3650),
    changed_by text not null,
    changed_at timestamptz not null
);

do $$
declare name text;
begin
    foreach name in array array['photos', 'photo_objects', 'photo_retentions']
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    foreach name in array array['photos', 'photo_retentions']
    loop
        execute format('create policy own on %I using (hub_sees(account_id)) with check (hub_sees(account_id))', name);
    end loop;
end $$;
create policy platform on photo_objects using (hub_is_platform()) with check (hub_is_platform());
-- a warehouse sees what it took and what shows the returns that are routed to it; a partner the same of its warehouses
create policy warehouse_reads on photos for select using (hub_warehouse() is not null and (
    warehouse_id = hub_warehouse() or exists (select from returns routed
        where routed.account_id = photos.account_id and routed.id = photos.return_id
            and routed.warehouse_id = hub_warehouse())));
create policy partner_reads on photos for select using (hub_partner() is not null and (
    warehouse_id in (select place.id from warehouses place where place.partner_id = hub_partner())
    or exists (select from returns routed where routed.account_id = photos.account_id
        and routed.id = photos.return_id and routed.warehouse_id in (
            select place.id from warehouses place where place.partner_id = hub_partner()))));
