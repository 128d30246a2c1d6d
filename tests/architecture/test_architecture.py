"""What holds for the whole tree: who imports whom, where SQL lives, how long things are, what the database guards."""

import ast
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from piccolo.table import Table

from hub.kit import db
from hub.runtime import Runtime
from tenants import tables

ROOT = Path(__file__).parents[2]
ROOMS = ("hub", "tenants", "connectors")
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60

SQL = re.compile(
    r"\s*(select\s|insert\s+into\s|update\s+[\w.]+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|truncate\s"
    r"|(create|alter|drop)\s+(table|index|role|database|function|policy)\s|begin;|set\s+local\s)",
    re.IGNORECASE,
)
# Besides the rooms' queries.py. The floor and its helpers, each with the reason why it speaks SQL itself.
SPEAKS_SQL = {
    "hub/kit/db.py": "opens and closes transactions",
    "hub/kit/embedded/postgres.py": "makes the role and the database before there is any room",
    "hub/migrations/__init__.py": "runs the steps",
    "hub/api/idempotency.py": "a table of the API's own, in a room without queries",
    "hub/app.py": "asks whether the database answers",
    "hub/checking.py": "asks for the server's version",
    "hub/bench/cycle.py": "reads numbers the way its floor does",
}
KNOWS_ARQ = {"hub/kit/queue.py", "hub/bench/floor.py"}
# Kept before there are accounts, and only by the migrations themselves.
WITHOUT_ROW_SECURITY = {"migrations"}


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    """Every source file as its path, text and tree."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield path.relative_to(ROOT).as_posix(), text, ast.parse(text)


# imports and size ---------------------------------------------------------------------------------------


def test_the_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with chdir(ROOT):
        broken = lint_imports(no_cache=True, no_logo=True)
    assert broken == 0, capsys.readouterr().out


def test_only_the_queue_module_and_the_benchmarks_floor_import_arq() -> None:
    found = {
        path
        for path, _, tree in modules()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "arq")
        or (isinstance(node, ast.Import) and any(each.name.split(".")[0] == "arq" for each in node.names))
    }
    assert found == KNOWS_ARQ


def test_every_room_says_what_it_is() -> None:
    rooms = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    silent = [room.relative_to(ROOT).as_posix() for room in rooms if not _promise(room / "__init__.py")]
    assert sorted(silent) == []


def _promise(module: Path) -> bool:
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) if module.exists() else None
    # The first paragraph is a whole sentence.
    return bool(text) and str(text).split("\n\n")[0].endswith(".")


def test_no_file_is_too_long_to_read() -> None:
    assert {path: len(text.splitlines()) for path, text, _ in modules() if len(text.splitlines()) > MOST_LINES} == {}


def test_no_function_is_too_long_to_read() -> None:
    assert {
        f"{path}:{node.name}": length
        for path, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    } == {}


# SQL ----------------------------------------------------------------------------------------------------


def _statements(tree: ast.Module) -> list[str]:
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    prose = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, _WITH_DOCSTRING)}
    return [text for text in texts if SQL.match(text) and text not in prose]


_WITH_DOCSTRING = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_sql_lives_in_the_queries_of_each_room() -> None:
    spoken = {path: found for path, _, tree in modules() if (found := _statements(tree))}
    strangers = {path: found for path, found in spoken.items() if not path.endswith("/queries.py")}
    assert {path: found for path, found in strangers.items() if path not in SPEAKS_SQL} == {}
    assert set(SPEAKS_SQL) - set(strangers) == set(), "an exception that nobody needs any more"


def test_a_connector_speaks_no_sql_at_all() -> None:
    assert {path for path, _, tree in modules() if path.startswith("connectors/") and _statements(tree)} == set()


@pytest.mark.parametrize(
    "text",
    ["select 1", "\n  INSERT into x values (1)", "update a set b = 1", "with a as (select 1) select", "delete from x"],
)
def test_a_statement_is_told_from_prose(text: str) -> None:
    assert _statements(ast.parse(f"x = {text!r}")) == [text]
    assert _statements(ast.parse(f"def f():\n    {text!r}")) == []
    assert _statements(ast.parse("x = 'selected', 'Update your key.', 'with care', 'delete'")) == []


# the database -------------------------------------------------------------------------------------------


async def rows(sql: str) -> list[db.Row]:
    async with db.transaction(db.PLATFORM):
        return await db.fetch(sql)


async def test_every_table_is_held_to_row_level_security_whoever_owns_it(hub: Runtime) -> None:
    found = await rows(
        """select relname as name, relrowsecurity and relforcerowsecurity as forced,
            (select count(*) from pg_policy where polrelid = pg_class.oid) as policies
        from pg_class where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace"""
    )
    open_tables = {row["name"] for row in found if not (row["forced"] and row["policies"])}
    assert len(found) > 20
    assert open_tables == WITHOUT_ROW_SECURITY


async def test_no_policy_lets_everybody_in(hub: Runtime) -> None:
    found = await rows("select tablename, policyname, cmd, qual, with_check from pg_policies")
    whose = r"hub_(sees|is_platform|account|partner|warehouse)\("
    assert [tuple(row) for row in found if not re.search(whose, row["qual"])] == []
    writable = [row for row in found if row["cmd"] != "SELECT"]
    assert [
        tuple(row) for row in writable if not re.search(r"hub_(sees|is_platform)\(", row["with_check"] or "")
    ] == [], "a row can be written for somebody else"


async def test_facts_are_kept_by_a_trigger(hub: Runtime) -> None:
    found = await rows(
        """select relname as name, count(*) as triggers from pg_trigger join pg_class on pg_class.oid = tgrelid
        where tgenabled = 'O' and tgfoid = 'hub_refuse_change'::regproc group by relname"""
    )
    facts = {
        "timeline", "receipts", "receipt_items", "policy_versions", "policy_decisions", "audit", "refusals", "photos",
        "grading_sets", "webhook_attempts",
    }  # fmt: skip
    assert {row["name"] for row in found} == facts


TYPES = {
    "UUID": "uuid",
    "TEXT": "text",
    "TIMESTAMPTZ": "timestamp with time zone",
    "JSONB": "jsonb",
    "BYTEA": "bytea",
    "INTEGER": "integer",
    "TEXT[]": "ARRAY",
}
CLASSES = [each for each in vars(tables).values() if isinstance(each, type)]
TABLES = [each for each in CLASSES if issubclass(each, Table) and each is not Table]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.__name__))
async def test_every_piccolo_table_is_the_databases(hub: Runtime, table: type[Table]) -> None:
    name = table._meta.tablename
    async with db.transaction(db.PLATFORM):
        found = await db.fetch(
            """select column_name, data_type, is_nullable = 'YES' as nullable from information_schema.columns
            where table_schema = current_schema() and table_name = $1""",
            name,
        )
    stored = {row["column_name"]: (row["data_type"], row["nullable"]) for row in found}
    declared = {
        each._meta.name: (TYPES[each.column_type], bool(each._meta.params.get("null"))) for each in table._meta.columns
    }
    assert declared == stored


def test_the_tables_of_the_tenants_are_all_there() -> None:
    assert len(TABLES) == len({each._meta.tablename for each in TABLES}) >= 9
