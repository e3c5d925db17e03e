"""Every statement stays in its tenant, whatever its kind, and one that cannot be held there is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Select,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    tablesample,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from aulario.core.context import Context
from aulario.core.tenancy import TenantError, scoped
from aulario.core.unit_of_work import Store, UnitOfWork, View
from tests.core.conftest import NORTH, SOUTH
from tests.core.sample import Author, Flag, Note, post, texts

OTHER, WRITER = aliased(Note), aliased(Author)
NOTES = select(Note.id, Note.author, Note.text).subquery()
BY_AUTHOR = select(Note.author).where(Note.text != "").cte("by_author")
JOINED = select(Note.text).join(Author, Author.id == Note.author)

READS: dict[str, Select[Any]] = {
    "select": select(Note.text),
    "columns without a model": select(Note.__table__.c.text),
    "where": select(Note.text).where((Note.text == "x") | true()),
    "join": JOINED,
    "join from the other side": select(Note.text).select_from(Author).join(Note, Author.id == Note.author),
    "comma join": select(Note.text).where(Author.id == Note.author),
    "join with a shared table": select(Note.text).join(Flag, true()),
    "subquery": select(NOTES.c.text),
    "subquery joined": select(NOTES.c.text).join(Author, Author.id == NOTES.c.author),
    "nested subquery": select(select(NOTES.c.text).subquery().c.text),
    "common table expression": select(Note.text).where(Note.author.in_(select(BY_AUTHOR.c.author))),
    "alias": select(OTHER.text),
    "alias beside its table": select(OTHER.text).join(Note, Note.author == OTHER.author),
    "in a list of ids": select(Note.text).where(Note.author.in_(select(Author.id))),
    "exists": select(Note.text).where(exists().where(Author.id == Note.author)),
    "union": select(union_all(select(Note.text), select(Note.text)).subquery().c.text),
    "scalar subquery": select(select(func.max(Note.text)).scalar_subquery()),
    "correlated subquery": select(select(func.min(OTHER.text)).where(OTHER.author == Note.author).scalar_subquery()),
    "case": select(case((Note.text == "x", "south"), else_=Note.text)),
    "aggregate": select(func.max(Note.text)),
    "sample": select(tablesample(Note.__table__, func.bernoulli(100)).c.text),
}


async def fill(store: Store) -> None:
    """Give both tenants an author of one name, who wrote the tenant's name."""
    for context in (NORTH, SOUTH):
        await store.work(context, lambda uow: uow.add(Author(id=f"ana of {uow.tenant}", name="Ana")))
        await store.work(context, post, context.tenant, f"ana of {context.tenant}")
    await store.work(NORTH, lambda uow: uow.add(Flag(id="shared")))


@pytest.mark.parametrize("kind", [kind for kind in READS if kind != "sample"])
async def test_each_kind_of_select_sees_its_tenant_only(store: Store, kind: str) -> None:
    """The same statement gives each tenant what is its own, and nothing else."""
    await fill(store)

    def read(view: View) -> set[str]:
        return {row[0] for row in view._execute(READS[kind], {}).all()}  # noqa: SLF001 - rows of any shape

    assert await store.read(NORTH, read) == {"north"}
    assert await store.read(SOUTH, read) == {"south"}


@pytest.mark.parametrize("kind", READS)
def test_each_table_of_a_select_is_narrowed(kind: str) -> None:
    """As many conditions are written as there are tables of tenants, so none is left open."""
    written = str(scoped(READS[kind]))
    words = written.replace(",", " ").split()
    tables = sum(words[at - 1] in {"FROM", "JOIN"} for at, word in enumerate(words) if word in {"notes", "authors"})
    assert written.count("tenant_id = :of_tenant") >= max(1, tables)


CHANGES: dict[str, Callable[[UnitOfWork], int]] = {
    "update": lambda uow: uow.change(update(Note).values(text="changed")),
    "update where": lambda uow: uow.change(update(Note).where((Note.text == "x") | true()).values(text="changed")),
    "update where exists": lambda uow: uow.change(
        update(Note).where(exists().where(Author.id == Note.author)).values(text="changed")
    ),
    "update from a subquery": lambda uow: uow.change(
        update(Note).values(text=select(func.max(Author.name)).scalar_subquery())
    ),
    "delete": lambda uow: uow.change(delete(Note)),
    "delete in": lambda uow: uow.change(delete(Note).where(Note.author.in_(select(Author.id)))),
}


@pytest.mark.parametrize("kind", CHANGES)
async def test_each_kind_of_change_touches_its_tenant_only(store: Store, kind: str) -> None:
    """An update or a delete without any condition of its own meets one row here and none elsewhere."""
    await fill(store)
    assert await store.work(NORTH, CHANGES[kind]) == 1
    assert await store.read(SOUTH, texts) == ["south"]
    assert await store.read(NORTH, texts) != ["north"]


REFUSED: dict[str, tuple[Any, str]] = {
    "outer join": (select(Note).outerjoin(Author, Author.id == Note.author), "outer join"),
    "full join": (select(Note).join(Author, Author.id == Note.author, full=True), "outer join"),
    "outer join within": (select(select(Note.id).outerjoin(Author, true()).subquery().c.id), "outer join"),
    "text": (text("SELECT * FROM notes"), "cannot be narrowed"),
    "text in a condition": (select(Note).where(text("1 = 1 OR 1 = 1")), "in writing"),
    "text as a table": (select(column("text")).select_from(text("notes")), "in writing"),
    "literal column": (select(literal_column("(SELECT max(text) FROM notes)")), "in writing"),
    "table by name": (select(column("text")).select_from(table("notes", column("text"))), "select from its model"),
    "update from": (update(Note).where(Note.author == Author.id).values(text="x"), "by a subquery"),
    "update to another's value": (update(Note).values(text=Author.name), "by a subquery"),
    "delete from": (delete(Note).where(Note.author == Author.id), "by a subquery"),
    "move to another tenant": (update(Note).values(tenant_id="south"), "stays in the tenant"),
    "insert": (insert(Note).values(text="x"), "uow.add"),
    "insert within": (select(insert(Note).values(id="x").returning(Note.id).cte("made").c.id), "uow.add"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_narrowed_is_refused(kind: str) -> None:
    """Statements whose reach cannot be bounded never run; the error says what to write instead."""
    statement, reason = REFUSED[kind]
    with pytest.raises(TenantError, match=reason):
        scoped(statement)


async def test_without_a_tenant_no_row_of_a_tenant_is_reached(store: Store) -> None:
    """Reading, writing and changing tenants' rows where there is no tenant is an error, not an empty answer."""
    await fill(store)
    nobody = Context.root()
    with pytest.raises(TenantError, match="needs a tenant"):
        await store.read(nobody, texts)
    with pytest.raises(TenantError, match="Note needs a tenant"):
        await store.work(nobody, post, "x")
    with pytest.raises(TenantError, match="needs a tenant"):
        await store.work(nobody, lambda uow: uow.change(delete(Note)))


async def test_a_row_cannot_be_made_for_another_tenant(store: Store) -> None:
    """Whatever a row says of its tenant, it is stored in the one of the unit of work."""

    def smuggle(uow: UnitOfWork) -> None:
        author = Author(id="smuggled", name="x")
        author.tenant_id = "south"
        uow.add(author)

    await store.work(NORTH, smuggle)
    count = select(func.count()).select_from(Author)
    assert await store.read(SOUTH, lambda view: view.scalar(count)) == 0
    assert await store.read(NORTH, lambda view: view.scalar(count)) == 1


def test_a_statement_is_narrowed_once() -> None:
    """A constant query pays for its narrowing at its first use only, and is itself left as it was."""
    query = select(Note.text)
    assert scoped(query) is scoped(query)
    assert "of_tenant" not in str(query)


CONDITIONS = st.sampled_from(
    [
        true(),
        Note.text == "x",
        Note.text.in_(["x", "y"]),
        Note.author.in_(select(Author.id)),
        exists().where(WRITER.name == Note.author),
        Note.text == select(func.max(OTHER.text)).scalar_subquery(),
        ~(Note.text == "x"),
    ]
)
WHERE = st.recursive(CONDITIONS, lambda part: st.builds(lambda a, b: a | b, part, part), max_leaves=5)
BASES = st.sampled_from([select(Note.id), JOINED.with_only_columns(Note.id), select(Note.id).distinct()])


def _wrapped(kind: str, query: Select[Any]) -> Select[Any]:
    if kind == "subquery":
        return select(query.subquery().c.id)
    if kind == "union":
        return select(union_all(query, query).subquery().c.id)
    if kind == "in":
        return select(Note.id).where(Note.id.in_(query))
    return query


QUERIES = st.builds(
    lambda base, where, kinds: _wrapped(kinds[0], _wrapped(kinds[1], base.where(where))),
    BASES,
    WHERE,
    st.tuples(*[st.sampled_from(["plain", "subquery", "union", "in"])] * 2),
)
ROWS = st.lists(st.tuples(st.sampled_from([NORTH, SOUTH]), st.sampled_from("xyz")), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, query=QUERIES, where=WHERE, deleting=st.booleans())
async def test_random_statements_never_cross(
    store: Store, rows: list[tuple[Context, str]], query: Select[Any], where: Any, *, deleting: bool
) -> None:
    """Whatever is asked or changed in one tenant, the other's rows are neither given nor touched."""
    for context in (NORTH, SOUTH):
        await store.work(context, lambda uow: uow.change(delete(Note)))
    mine = {(await store.work(context, post, word)).id for context, word in rows if context is NORTH}
    for context, word in rows:
        if context is SOUTH:
            await store.work(context, post, word, "x")
    before = await store.read(SOUTH, texts)
    found = await store.read(NORTH, lambda view: set(view.all(query)))
    assert {row[0] for row in found} <= mine
    change = delete(Note).where(where) if deleting else update(Note).where(where).values(text="changed")
    assert await store.work(NORTH, lambda uow: uow.change(change)) <= len(mine)
    assert await store.read(SOUTH, texts) == before
