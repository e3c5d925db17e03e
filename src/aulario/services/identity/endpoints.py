"""The addresses of identity."""

import asyncio

from pydantic import SecretStr

from aulario.contracts.identity import Role
from aulario.core.auth import REFUSED, Tokens
from aulario.core.endpoints import Working
from aulario.core.errors import Unauthorized, Unprocessable
from aulario.core.keys import KeyRing
from aulario.core.pagination import Paged, WantedPage, paged
from aulario.core.routing import Routes
from aulario.core.throttle import Throttle
from aulario.kit.ids import uuid7
from aulario.kit.passwords import hash_password, password_weakness, verify_password
from aulario.services.identity import access, actions, queries
from aulario.services.identity.actions import NewTenant, NewUser
from aulario.services.identity.models import User
from aulario.services.identity.rules import Refresh
from aulario.services.identity.schemas import (
    KeysOut,
    LoginIn,
    PersonIn,
    RefreshIn,
    RegisteredOut,
    RegistrationIn,
    TenantIn,
    TenantOut,
    TokensOut,
    UserIn,
    UserOut,
)

routes = Routes("identity")

WRONG = "the academy, the address or the password is wrong"
"""One answer for all three, so that none of them can be found out alone."""


@routes.to("POST", "/api/users", access.ADMINS, status=201)
async def create_user(body: UserIn, work: Working) -> UserOut:
    """Add a person to the academy. A welcome order is made for them, and paid, by itself."""
    hashed = await _hashed(body.password, body.email, body.name) if body.password else None
    new = NewUser(body.email, body.name, tuple(body.roles), hashed)
    return await work.creating(UserOut, actions.create_user, new)


@routes.to("GET", "/api/users", access.ADMINS)
async def list_users(work: Working, page: WantedPage) -> Paged[UserOut]:
    """List the academy's people, newest first."""
    return paged(UserOut, await work.read(queries.users, page), page)


@routes.to("GET", "/api/users/me", access.MEMBERS)
async def show_me(work: Working) -> UserOut:
    """Show who you are."""
    return UserOut.model_validate(await work.read(queries.user, work.caller.user_id))


@routes.to("GET", "/api/users/{user_id}", access.MEMBERS)
async def show_user(user_id: str, work: Working) -> UserOut:
    """Show a person to themselves or an administrator."""
    return UserOut.model_validate(await work.read(queries.user, access.visible(work.caller, user_id)))


@routes.to("POST", "/api/tenants", access.OPERATORS, status=201)
async def open_tenant(body: TenantIn, work: Working) -> TenantOut:
    """Open an academy with its first administrator."""
    admin = NewUser(body.admin.email, body.admin.name, (Role.ADMIN,), await _hashed_of(body.admin))
    new = NewTenant(body.slug, body.name, body.language, body.currency)
    return await work.in_tenant(uuid7()).creating(TenantOut, actions.open_tenant, new, admin)


@routes.to("GET", "/api/tenants", access.OPERATORS)
async def list_tenants(work: Working, page: WantedPage) -> Paged[TenantOut]:
    """List the academies of this installation, newest first."""
    return paged(TenantOut, await work.read(queries.tenants, page), page)


@routes.to("POST", "/api/auth/register", access.ANYBODY, status=202)
async def register(body: RegistrationIn, work: Working) -> RegisteredOut:
    """Add yourself to an academy as a student; then sign in."""
    await _throttled(work, "register", body.academy, body.email)
    hashed = await _hashed_of(body)
    tenant = await work.read(queries.tenant, body.academy)
    if tenant is not None:
        new = NewUser(body.email, body.name, (Role.STUDENT,), hashed)
        await work.in_tenant(tenant.id)(actions.register, new)
    return RegisteredOut(detail="If the academy exists and the address was free, you can sign in now.")


@routes.to("POST", "/api/auth/login", access.ANYBODY)
async def login(body: LoginIn, work: Working) -> TokensOut:
    """Sign in with a password."""
    await _throttled(work, "login", body.academy, body.email)
    tenant = await work.read(queries.tenant, body.academy)
    inside = work.in_tenant(tenant.id if tenant else uuid7())
    user = await inside.read(queries.user_by_email, body.email)
    # In a thread, and even when there is nobody: the answer takes as long either way.
    known = user.password_hash if user else None
    right = await asyncio.to_thread(verify_password, body.password.get_secret_value(), known)
    if user is None or not right:
        raise Unauthorized(WRONG)
    return _tokens(work, user, await inside(actions.sign_in, user.id))


@routes.to("POST", "/api/auth/refresh", access.ANYBODY)
async def refresh(body: RefreshIn, work: Working) -> TokensOut:
    """Exchange a refresh token for new tokens; each can be used once."""
    presented = Refresh.parse(body.refresh_token.get_secret_value())
    await _throttled(work, "refresh", presented.tenant, presented.sign_in_id)
    renewed = await work.in_tenant(presented.tenant)(actions.renew, presented)
    if renewed is None:
        raise Unauthorized(REFUSED)
    return _tokens(work, renewed.user, renewed.refresh)


@routes.to("POST", "/api/auth/logout", access.MEMBERS, status=204)
async def logout(work: Working) -> None:
    """End this sign-in; its access token runs out within minutes."""
    await work(actions.sign_out, work.caller.session_id)


@routes.to("GET", "/.well-known/jwks.json", access.ANYBODY)
async def show_keys(work: Working) -> KeysOut:
    """Give the public keys that access tokens are verified with."""
    return KeysOut.model_validate(work.backend(KeyRing).public_jwks(), from_attributes=False)


async def _throttled(work: Working, route: str, academy: str, account: str) -> None:
    await work.backend(Throttle).check(route, work.address, f"{academy}/{account}")


async def _hashed_of(person: PersonIn) -> str:
    return await _hashed(person.password, person.email, person.name)


async def _hashed(password: SecretStr, *personal: str) -> str:
    """Hash a new password; raises Unprocessable for a weak one."""
    plain = password.get_secret_value()
    weakness = password_weakness(plain, *personal)
    if weakness is not None:
        raise Unprocessable(weakness)
    return await asyncio.to_thread(hash_password, plain)


def _tokens(work: Working, user: User, refresh: Refresh) -> TokensOut:
    access_token, seconds = work.backend(Tokens).access(user.id, refresh.tenant, user.roles, refresh.sign_in_id)
    return TokensOut(
        access_token=access_token,
        expires_in=seconds,
        refresh_token=str(refresh),
        user=UserOut.model_validate(user),
    )
