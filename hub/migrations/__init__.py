"""The database's shape, step by step, in SQL written by hand: the promises live there.

Checks, unique keys and row-level security are what the rules of the road stand on, so they are
written out and read as one page. A step that has run anywhere is never edited; a change is a new file.
"""

from importlib.resources import files

from hub.kit import clock, db

# Any number will do, as long as every hub on one database uses the same.
LOCK = 20_261_123


def steps() -> list[tuple[str, str]]:
    """Return the name and the SQL of every step, in order."""
    found = (entry for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    return [(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")) for entry in sorted(found, key=str)]


async def pending() -> list[str]:
    """Return the names of the steps that this database has not run."""
    async with db.transaction(db.PLATFORM):
        done = await _done()
    return [name for name, _ in steps() if name not in done]


async def migrate() -> list[str]:
    """Run what is pending, all or nothing, one hub at a time; returns the names of what ran."""
    async with db.transaction(db.PLATFORM):
        await db.execute("select pg_advisory_xact_lock($1)", LOCK)
        await db.execute("create table if not exists migrations (name text primary key, ran_at timestamptz not null)")
        done = await _done()
        fresh = [(name, sql) for name, sql in steps() if name not in done]
        for name, sql in fresh:
            await db.execute(sql)
            await db.execute("insert into migrations values ($1, $2)", name, clock.now())
    return [name for name, _ in fresh]


async def _done() -> set[str]:
    if (
        await db.fetch_one("select from pg_tables where schemaname = current_schema() and tablename = 'migrations'")
        is None
    ):
        return set()
    return {row["name"] for row in await db.fetch("select name from migrations")}
