"""The tables of identity; keys and indexes stand in the migrations."""

from datetime import datetime

from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import Mapped, mapped_column

from aulario.core.models import Model, TenantModel


class IdentityModel(TenantModel):
    """A row of this service."""

    __abstract__ = True
    metadata = MetaData()


class Tenant(Model):
    """A client company. Belongs to the installation: it is what a tenant's rows point to, and has none itself."""

    __tablename__ = "tenants"
    metadata = IdentityModel.metadata

    id: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str]
    """The short name in addresses, unique in the installation."""
    name: Mapped[str]
    language: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]


class User(IdentityModel):
    """A person of one academy. Without a password hash they cannot sign in by password."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    """Lower case, unique in the tenant."""
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(JSON)
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]


class SignIn(IdentityModel):
    """One sign-in and the refresh tokens that came of it, of which only the newest is good."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    seed: Mapped[str]
    """What each token's follower is made with, so that a repeated refresh gets the same one again."""
    token_hash: Mapped[str]
    previous_hash: Mapped[str | None]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
