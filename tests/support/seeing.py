"""Who sees which row, said a second time: by what the rows themselves say, without PostgreSQL's policies."""

from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec

from hub.kit import db

Row = dict[str, Any]
# Rows by table, each as its text with what it says.
Picture = dict[str, dict[str, Row]]
PARCELS = {"parcels", "parcel_numbers", "parcel_candidates"}
# What is about people is the platform's, but for who they are, whom a party invited and where they sign in.
SECRETS = {
    "credentials", "identity_domains", "identities", "links", "recovery_codes", "passkeys", "known_browsers", "devices",
    "operators", "sessions", "guesses", "ceremonies", "mails",
}  # fmt: skip
PEOPLE = {"users", "memberships", "invitations", "identity_providers"}
PLATFORM_WRITES = {
    "accounts", "warehouses", "api_keys", "partners", "impersonations", "idempotency_keys", "photo_objects",
    *SECRETS, *PEOPLE, *PARCELS,
}  # fmt: skip


async def tables(connection: asyncpg.Connection) -> list[str]:
    """Name every table that holds rows of parties."""
    found = await connection.fetch(
        "select tablename from pg_tables where schemaname = current_schema() and tablename <> 'migrations' order by 1"
    )
    return [row["tablename"] for row in found]


async def become(connection: asyncpg.Connection, scope: db.Scope) -> None:
    """Take another scope within the transaction."""
    for name, value in (("account", scope.account), ("partner", scope.partner), ("warehouse", scope.warehouse)):
        await connection.execute(f"set local hub.{name} = '{value or ''}'")
    await connection.execute(f"set local hub.platform = '{'on' if scope.platform else ''}'")


async def picture(connection: asyncpg.Connection, names: list[str]) -> Picture:
    """Return every row that the scope of the transaction shows."""
    found: Picture = {name: {} for name in names}
    for row in await connection.fetch(_each(names, "")):
        found[row["name"]][row["text"]] = msgspec.json.decode(row["text"])
    return found


async def changeable(connection: asyncpg.Connection, names: list[str]) -> dict[str, set[str]]:
    """Return the rows that the scope lets be changed: PostgreSQL asks the policies of updates before it locks a row."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for row in await connection.fetch(_each(names, " for update")):
        found[row["name"]].add(row["text"])
    return found


def _each(names: list[str], lock: str) -> str:
    parts = [f"{each}_ as (select '{each}' as name, to_jsonb(t)::text as text from {each} t{lock})" for each in names]
    return f"with {', '.join(parts)} " + " union all ".join(f"select * from {each}_" for each in names)


def expected(scope: db.Scope, all_: Picture) -> dict[str, set[str]]:
    """Return the rows that a scope is to show, by the ids that the rows carry."""
    sees = _platform if scope.platform else _account if scope.account else _partner if scope.partner else _warehouse
    return {
        table: {text for text, row in held.items() if sees(scope, table, row, all_)} for table, held in all_.items()
    }


def expected_changeable(scope: db.Scope, all_: Picture) -> dict[str, set[str]]:
    """Return the rows that a scope is to be able to change: the platform's all, an account's those of its returns."""
    if not (scope.platform or scope.account):
        return {table: set() for table in all_}
    found = expected(scope, all_)
    return found if scope.platform else found | {table: set() for table in PLATFORM_WRITES}


def _platform(_: db.Scope, __: str, ___: Row, ____: Picture) -> bool:
    return True


def _ids(all_: Picture, table: str, test: Callable[[Row], bool], field: str = "id") -> set[str]:
    return {row[field] for row in all_[table].values() if test(row)}


def _account(  # noqa: PLR0911 - a table of one rule per line
    scope: db.Scope, table: str, row: Row, all_: Picture
) -> bool:
    me = str(scope.account)
    if (
        table
        in {"partners", "impersonations", "idempotency_keys", "photo_objects", "wms_readings", "wms_hints"} | SECRETS
    ):
        return False
    if table == "users":
        return row["id"] in _ids(all_, "memberships", lambda each: each["account_id"] == me, "user_id")
    if table == "accounts":
        return bool(row["id"] == me)
    if table == "warehouses":
        assigned = _ids(all_, "warehouse_accounts", lambda each: each["account_id"] == me, "warehouse_id")
        return row["account_id"] == me or row["id"] in assigned
    if table == "api_keys":
        run = _ids(all_, "warehouses", lambda each: each["account_id"] == me)
        return row["account_id"] == me or row["warehouse_id"] in run
    if table in {"parcels", "parcel_numbers"}:
        likely = _ids(all_, "parcel_candidates", lambda each: each["account_id"] == me, "parcel_id")
        run = _ids(all_, "warehouses", lambda each: each["account_id"] == me)
        mine = _ids(
            all_, "parcels",
            lambda each: each["account_id"] == me or each["id"] in likely or each["warehouse_id"] in run,
        )  # fmt: skip
        return row["id" if table == "parcels" else "parcel_id"] in mine
    return bool(row["account_id"] == me)


def _partner(  # noqa: PLR0911 - a table of one rule per line
    scope: db.Scope, table: str, row: Row, all_: Picture
) -> bool:
    me = str(scope.partner)
    places = _ids(all_, "warehouses", lambda each: each["partner_id"] == me)
    if table in {"partners", "users"}:
        mine = _ids(all_, "memberships", lambda each: each["partner_id"] == me, "user_id")
        return row["id"] in mine if table == "users" else bool(row["id"] == me)
    if table in {"warehouses", "connections", "memberships", "invitations", "identity_providers"}:
        return bool(row["partner_id"] == me)
    if table == "api_keys":
        return row["partner_id"] == me or row["warehouse_id"] in places
    if table.startswith("wms_"):
        return row["connection_id"] in _ids(all_, "connections", lambda each: each["partner_id"] == me)
    if table in {"returns", "receipts", *PARCELS}:
        return row["warehouse_id"] in places
    routed = _ids(all_, "returns", lambda each: each["warehouse_id"] in places)
    if table == "photos":
        return row["warehouse_id"] in places or row["return_id"] in routed
    return table in {"return_lines", "timeline", "receipt_items"} and row["return_id"] in routed


def _warehouse(  # noqa: PLR0911 - a table of one rule per line
    scope: db.Scope, table: str, row: Row, all_: Picture
) -> bool:
    me = str(scope.warehouse)
    if table == "warehouses":
        return bool(row["id"] == me)
    assigned = _ids(all_, "warehouse_accounts", lambda each: each["warehouse_id"] == me, "account_id")
    if table in {"warehouse_accounts", *PARCELS}:
        return bool(row["warehouse_id"] == me)
    if table == "photos":
        routed = _ids(all_, "returns", lambda each: each["warehouse_id"] == me and each["account_id"] in assigned)
        return row["warehouse_id"] == me or row["return_id"] in routed
    if table in {"returns", "receipts", "scan_keys"}:
        return bool(row["warehouse_id"] == me and row["account_id"] in assigned)
    if table in {"products", "product_codes", "grading_sets"}:
        return row["account_id"] in assigned
    if table == "receipt_items":
        booked = _ids(all_, "receipts", lambda each: each["warehouse_id"] == me and each["account_id"] in assigned)
        return row["receipt_id"] in booked
    if table == "return_lines":
        routed = _ids(all_, "returns", lambda each: each["warehouse_id"] == me and each["account_id"] in assigned)
        return row["return_id"] in routed
    if table == "accounts":
        return row["id"] in assigned
    return False


async def leaks(connection: asyncpg.Connection, scopes: dict[str, db.Scope], all_: Picture) -> list[str]:
    """Name every table in which a scope shows, or lets change, other rows than it is to; none if all is well."""
    found = []
    for name, scope in scopes.items():
        await become(connection, scope)
        shown = {table: set(rows) for table, rows in (await picture(connection, list(all_))).items()}
        found += _differences(f"{name} sees", shown, expected(scope, all_))
        held = await changeable(connection, list(all_))
        found += _differences(f"{name} may change", held, expected_changeable(scope, all_))
    return found


def _differences(who: str, given: dict[str, set[str]], wanted: dict[str, set[str]]) -> list[str]:
    return [
        f"{who} {len(given[table] - rows)} rows too many and {len(rows - given[table])} too few of {table}"
        for table, rows in wanted.items()
        if given[table] != rows
    ]
