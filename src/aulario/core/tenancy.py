"""Every statement of a service is narrowed to one tenant here; one that cannot be is refused."""

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Join, Select, Table, TextClause, bindparam
from sqlalchemy.sql import ClauseElement, Executable, visitors
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause, TableClause

PARAMETER = "of_tenant"
"""The bind parameter that carries the tenant of the unit of work."""

S = TypeVar("S", bound=Executable)


class TenantError(Exception):
    """A statement that would have reached outside its tenant; never shown to a client."""


def scoped(statement: S) -> S:
    """Give the statement with `tenant_id = :of_tenant` on every tenant's table, subqueries and joins included."""
    found = _scoped.get(statement)
    if found is None:
        found = _scoped[statement] = _narrow(statement)
    narrowed: S = found
    return narrowed


def has_tenant(statement: Executable) -> bool:
    """Tell whether a scoped statement must be given a tenant to run."""
    known = _bound.get(statement)
    if known is None:
        binds = (element for element in visitors.iterate(_clause(statement)) if element.__visit_name__ == "bindparam")
        known = _bound[statement] = any(getattr(bind, "key", "") == PARAMETER for bind in binds)
    return known


def _narrow(statement: Executable) -> Any:
    if isinstance(statement, Select | CompoundSelect | Update | Delete):
        for part in visitors.iterate(statement):
            _refuse_text(part)
        return visitors.cloned_traverse(statement, {}, _NARROWING)
    if isinstance(statement, Insert):
        _refuse_insert(statement)
    message = f"{type(statement).__name__} cannot be narrowed to a tenant; write it as a select, update or delete"
    raise TenantError(message)


def _narrow_select(select: Any) -> None:
    for source in select.get_final_froms():
        for table in _tables(source):
            select._where_criteria += (_mine(table),)  # noqa: SLF001 - the clone is ours, and .where() would copy it again


def _narrow_dml(statement: Any) -> None:
    values = getattr(statement, "_values", None) or {}
    for part in (*statement._where_criteria, *values.values()):  # noqa: SLF001 - there is no other way
        sources = {source for source in part._from_objects if isinstance(source, FromClause)}  # noqa: SLF001 - as above
        if sources - {statement.table}:
            message = "another table's rows are reached by a subquery, which is narrowed by itself"
            raise TenantError(message)
    if "tenant_id" in {column.key for column in values}:
        message = "a row stays in the tenant it was made in"
        raise TenantError(message)
    if "tenant_id" in statement.table.c:
        statement._where_criteria += (_mine(statement.table),)  # noqa: SLF001 - as above


def _tables(source: FromClause) -> list[FromClause]:
    """Give the tenant's tables of one FROM item."""
    if isinstance(source, Join):
        if source.isouter or source.full:
            # A condition in WHERE would drop the rows the outer join was written to keep.
            message = "an outer join cannot be narrowed to a tenant; select in two steps"
            raise TenantError(message)
        return _tables(source.left) + _tables(source.right)
    base = source.element if isinstance(source, AliasedReturnsRows) else source
    if isinstance(base, TableClause) and not isinstance(base, Table):
        message = f"nothing is known of the columns of {base.name}; select from its model"
        raise TenantError(message)
    return [source] if isinstance(base, Table) and "tenant_id" in base.c else []


def _mine(table: FromClause) -> Any:
    return table.c.tenant_id == bindparam(PARAMETER)


def _refuse_insert(_: Any) -> None:
    message = "rows are added with uow.add(), which knows their tenant"
    raise TenantError(message)


def _refuse_text(part: Any) -> None:
    """Refuse SQL in writing: its words may reach any row, or turn the condition beside them (`OR`)."""
    literal = getattr(part, "is_literal", False) and part.name != "*"
    if literal or isinstance(part, TextClause):
        message = f"SQL in writing cannot be narrowed to a tenant: {part}"
        raise TenantError(message)


def _clause(statement: Executable) -> Any:
    if not isinstance(statement, ClauseElement):
        message = f"{statement!r} is no SQL statement"
        raise TenantError(message)
    return statement


_NARROWING = {
    "select": _narrow_select,
    "update": _narrow_dml,
    "delete": _narrow_dml,
    "insert": _refuse_insert,
}

# Queries are module constants, so each is narrowed once; one made on the spot leaves with its last use.
_scoped: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_bound: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
