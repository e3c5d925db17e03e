"""`aulario academy`: opens an academy with its first administrator; the first of all may open others over HTTP."""

from typing import Annotated

import typer
from pydantic import ValidationError

from aulario.cli.failing import explained
from aulario.cli.look import console
from aulario.cli.opening import Data, Stores, configured, with_stores
from aulario.contracts.identity import Role
from aulario.core.context import Context
from aulario.core.errors import BadRequest, Unprocessable
from aulario.core.pagination import Page
from aulario.kit.ids import uuid7
from aulario.kit.passwords import hash_password, password_weakness
from aulario.services.identity import actions, queries
from aulario.services.identity.schemas import TenantIn

Slug = Annotated[str, typer.Argument(help="Its short name in addresses: small letters, digits and dashes.")]
Email = Annotated[str, typer.Option(prompt="Administrator's e-mail", help="Its first administrator.")]
Password = Annotated[
    str,
    typer.Option(
        prompt="Administrator's password",
        hide_input=True,
        confirmation_prompt=True,
        envvar="ACADEMY_PASSWORD",
        help="At least ten characters; asked for when it is not given.",
    ),
]


def academy(
    slug: Slug,
    email: Email,
    password: Password,
    name: Annotated[str | None, typer.Option(help="Its full name; otherwise the short one.")] = None,
    language: Annotated[str, typer.Option(help="en or es.")] = "en",
    data: Data = None,
) -> None:
    """Open an academy with its first administrator; whoever opens the first one may also open others.

    Example: aulario academy north --email ada@north.example --name "North Academy"
    """
    with explained("The academy was not opened"):
        admin = {"email": email, "name": email.partition("@")[0], "password": password}
        wanted = _checked({"slug": slug, "name": name or slug, "language": language, "admin": admin})
        is_first = with_stores(configured(data), lambda stores: _open(stores, wanted, password))
    console.print(f"[green]✓[/] {wanted.name} is open; {wanted.admin.email} can sign in to it ({wanted.slug})")
    if is_first:
        console.print("  As the first of this installation they may open other academies too.", style="dim")


def _checked(given: dict[str, object]) -> TenantIn:
    """Hold what was typed to the same rules as a request; raises BadRequest with each that it breaks."""
    try:
        return TenantIn.model_validate(given)
    except ValidationError as error:
        message = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        # Without its cause: that quotes what was typed, the password among it.
        raise BadRequest(message) from None


async def _open(stores: Stores, wanted: TenantIn, password: str) -> bool:
    """Open it in the running or resting installation; gives whether it is the first."""
    weakness = password_weakness(password, wanted.admin.email, wanted.slug)
    if weakness is not None:
        raise Unprocessable(weakness)
    context = Context.root(tenant=uuid7())
    is_first = not await stores["identity"].read(context, queries.tenants, Page(limit=1))
    roles = (Role.ADMIN, Role.OPERATOR) if is_first else (Role.ADMIN,)
    tenant = actions.NewTenant(wanted.slug, wanted.name, wanted.language, wanted.currency)
    person = actions.NewUser(wanted.admin.email, wanted.admin.name, roles, hash_password(password))
    await stores["identity"].work(context, actions.open_tenant, tenant, person)
    return is_first
