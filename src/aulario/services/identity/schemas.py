"""What requests about people and academies send, and what they are answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, EmailStr, Field, SecretStr

from aulario.contracts.identity import Role
from aulario.core.endpoints import Body, Line, Reply
from aulario.services.identity.access import GIVEN


def _may_be_given(role: Role) -> Role:
    if role not in GIVEN:
        message = f"{role} is not a role an academy can give"
        raise ValueError(message)
    return role


Email = Annotated[EmailStr, Field(max_length=254), AfterValidator(str.lower)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern="^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
GivenRole = Annotated[Role, AfterValidator(_may_be_given)]


class PersonIn(Body):
    """A person who is to be able to sign in."""

    email: Email
    name: Name
    password: SecretStr


class UserIn(Body):
    """A person to be added; without a password they cannot sign in by one yet."""

    email: Email
    name: Name
    roles: Annotated[list[GivenRole], Field(min_length=1, max_length=len(GIVEN))] = Field([Role.STUDENT])
    password: SecretStr | None = None


class RegistrationIn(PersonIn):
    """A person who adds themselves to an academy."""

    academy: Slug


class LoginIn(Body):
    """Which academy, who, and the password."""

    academy: Annotated[str, Field(max_length=40)]
    email: Annotated[str, Field(max_length=254), AfterValidator(str.lower)]
    password: SecretStr


class RefreshIn(Body):
    """The refresh token of the answer before."""

    refresh_token: Annotated[SecretStr, Field(max_length=300)]


class TenantIn(Body):
    """An academy to be opened, and its first administrator."""

    slug: Slug
    name: Name
    language: Annotated[str, Field(pattern="^(en|es)$")] = "en"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    admin: PersonIn


class UserOut(Reply):
    """A person."""

    id: str
    email: str
    name: str
    roles: list[Role]
    created_at: datetime


class TenantOut(Reply):
    """An academy."""

    id: str
    slug: str
    name: str
    language: str
    currency: str
    created_at: datetime


class TokensOut(Reply):
    """Tokens (RFC 6749, section 5.1) and whose they are; `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a kind of token
    expires_in: int
    refresh_token: str
    user: UserOut


class RegisteredOut(Reply):
    """The same answer whether or not the address was free."""

    detail: str


class KeysOut(Reply):
    """A JSON Web Key Set (RFC 7517, section 5)."""

    keys: list[dict[str, str]]
