"""Every statement of a service is narrowed to one tenant here; one that cannot be is refused."""

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Join, Select, Table, bindparam
from sqlalchemy.sql import ClauseElement, Executable, visitors
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import Alias, FromClause

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
        narrowing = {"select": _narrow_select, "update": _narrow_dml, "delete": _narrow_dml}
        return visitors.cloned_traverse(statement, {}, narrowing)
    if isinstance(statement, Insert):
        message = "rows are added with uow.add(), which knows their tenant"
        raise TenantError(message)
    message = f"{type(statement).__name__} cannot be narrowed to a tenant; write it as a select, update or delete"
    raise TenantError(message)


def _narrow_select(select: Any) -> None:
    for source in select.get_final_froms():
        for table in _tables(source):
            select._where_criteria += (_mine(table),)  # noqa: SLF001 - the clone is ours, and .where() would copy it again


def _narrow_dml(statement: Any) -> None:
    if "tenant_id" in statement.table.c:
        statement._where_criteria += (_mine(statement.table),)  # noqa: SLF001 - as above


def _tables(source: FromClause) -> list[FromClause]:
    """Give the tenant's tables of one FROM item."""
    if isinstance(source, Join):
        if source.isouter:
            # A condition in WHERE would drop the rows the outer join was written to keep.
            message = "an outer join cannot be narrowed to a tenant; select in two steps"
            raise TenantError(message)
        return _tables(source.left) + _tables(source.right)
    base = source.element if isinstance(source, Alias) else source
    return [source] if isinstance(base, Table) and "tenant_id" in base.c else []


def _mine(table: FromClause) -> Any:
    return table.c.tenant_id == bindparam(PARAMETER)


def _clause(statement: Executable) -> Any:
    if not isinstance(statement, ClauseElement):
        message = f"{statement!r} is no SQL statement"
        raise TenantError(message)
    return statement


# Queries are module constants, so each is narrowed once; one made on the spot leaves with its last use.
_scoped: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_bound: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
