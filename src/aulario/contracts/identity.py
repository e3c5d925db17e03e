"""identity: tenants, people, and who may do what."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from aulario.contracts.event import Event


class Role(StrEnum):
    """What a person may be in a tenant; `operator` runs the installation itself."""

    STUDENT = "student"
    TEACHER = "teacher"
    ORGANIZER = "organizer"
    ADMIN = "admin"
    OPERATOR = "operator"


class TenantCreated(Event, frozen=True):
    """An academy opened its doors."""

    type: ClassVar[str] = "tenant.created.v1"
    key: ClassVar[str] = "tenant_id"

    tenant_id: str
    slug: str
    name: str
    language: str
    currency: str
    created_at: datetime


class UserCreated(Event, frozen=True):
    """A person joined an academy."""

    type: ClassVar[str] = "user.created.v1"
    key: ClassVar[str] = "user_id"

    user_id: str
    email: str
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
