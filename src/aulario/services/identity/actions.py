"""Every write of identity."""

import secrets
from typing import NamedTuple

from aulario.contracts.identity import Role, TenantCreated, UserCreated
from aulario.core.errors import Conflict
from aulario.core.unit_of_work import UnitOfWork
from aulario.kit.ids import uuid7
from aulario.services.identity import queries, rules
from aulario.services.identity.models import SignIn, Tenant, User
from aulario.services.identity.rules import Refresh, Verdict


class NewTenant(NamedTuple):
    """What an academy is made of."""

    slug: str
    name: str
    language: str
    currency: str


class NewUser(NamedTuple):
    """What a person is made of; the password comes hashed, or not at all."""

    email: str
    name: str
    roles: tuple[Role, ...]
    password_hash: str | None


class Renewed(NamedTuple):
    """A refreshed sign-in: the person as they are now, and their next refresh token."""

    user: User
    refresh: Refresh


def open_tenant(uow: UnitOfWork, new: NewTenant, admin: NewUser) -> Tenant:
    """Open an academy with its first administrator, in the unit of work's own tenant; raises Conflict."""
    if queries.tenant(uow, new.slug) is not None:
        message = f"there is an academy named {new.slug} already; choose another short name"
        raise Conflict(message)
    tenant = uow.add(Tenant(id=uow.tenant, **new._asdict(), created_at=uow.now))
    uow.record(TenantCreated(tenant_id=tenant.id, **new._asdict(), created_at=uow.now))
    create_user(uow, admin)
    return tenant


def create_user(uow: UnitOfWork, new: NewUser) -> User:
    """Add a person to the academy; raises Conflict when the address is taken."""
    if queries.user_by_email(uow, new.email) is not None:
        message = "somebody in this academy has this address already"
        raise Conflict(message)
    user = uow.add(
        User(
            id=uuid7(),
            email=new.email,
            name=new.name,
            roles=list(new.roles),
            password_hash=new.password_hash,
            created_at=uow.now,
        )
    )
    uow.record(
        UserCreated(user_id=user.id, email=user.email, name=user.name, roles=new.roles, created_at=user.created_at)
    )
    return user


def register(uow: UnitOfWork, new: NewUser) -> None:
    """Add a person who asked for it themselves; where the address is taken nothing happens, and nobody is told."""
    if queries.user_by_email(uow, new.email) is None:
        create_user(uow, new)


def sign_in(uow: UnitOfWork, user_id: str) -> Refresh:
    """Begin a sign-in of somebody whose password was right; gives its first refresh token."""
    refresh = Refresh.make(uow.tenant, uuid7())
    uow.add(
        SignIn(
            id=refresh.sign_in_id,
            user_id=user_id,
            seed=secrets.token_hex(32),
            token_hash=refresh.hash,
            previous_hash=None,
            rotated_at=uow.now,
            expires_at=uow.now + rules.LIFETIME,
            ended_at=None,
        )
    )
    return refresh


def renew(uow: UnitOfWork, presented: Refresh) -> Renewed | None:
    """Exchange a refresh token for the next; None when it is refused, and a used one ends the whole sign-in."""
    found = queries.sign_in(uow, presented.sign_in_id)
    verdict = rules.judge(found, presented, uow.now) if found else Verdict.REFUSE
    if found is None or verdict is Verdict.REFUSE:
        return None
    if verdict is Verdict.END:
        uow.amend(SignIn, found.id, ended_at=uow.now)
        return None
    following = presented.following(found.seed)
    if verdict is Verdict.ROTATE:
        uow.amend(SignIn, found.id, token_hash=following.hash, previous_hash=presented.hash, rotated_at=uow.now)
    return Renewed(queries.user(uow, found.user_id), following)


def sign_out(uow: UnitOfWork, sign_in_id: str) -> None:
    """End a sign-in: its refresh token is worth nothing any more."""
    if queries.sign_in(uow, sign_in_id) is not None:
        uow.amend(SignIn, sign_in_id, ended_at=uow.now)
