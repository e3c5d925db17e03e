"""Every read of identity."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from aulario.core.pagination import Page
from aulario.core.unit_of_work import View
from aulario.services.identity.models import SignIn, Tenant, User

_TENANT = select(Tenant).where(Tenant.slug == bindparam("slug"))
_TENANTS = select(Tenant).where(Tenant.id < bindparam("before")).order_by(Tenant.id.desc()).limit(bindparam("limit"))
_USER = select(User).where(User.id == bindparam("id"))
_BY_EMAIL = select(User).where(User.email == bindparam("email"))
_USERS = select(User).where(User.id < bindparam("before")).order_by(User.id.desc()).limit(bindparam("limit"))
_SIGN_IN = select(SignIn).where(SignIn.id == bindparam("id"))


def tenant(view: View, slug: str) -> Tenant | None:
    return view.first(_TENANT, slug=slug)


def tenants(view: View, page: Page) -> Sequence[Tenant]:
    """Give a page's tenants of the installation and one more."""
    return view.all(_TENANTS, before=page.before, limit=page.limit + 1)


def user(view: View, user_id: str) -> User:
    """Give a person; raises NotFound."""
    return view.one(_USER, id=user_id)


def user_by_email(view: View, email: str) -> User | None:
    return view.first(_BY_EMAIL, email=email)


def users(view: View, page: Page) -> Sequence[User]:
    """Give a page's people and one more."""
    return view.all(_USERS, before=page.before, limit=page.limit + 1)


def sign_in(view: View, sign_in_id: str) -> SignIn | None:
    return view.first(_SIGN_IN, id=sign_in_id)
