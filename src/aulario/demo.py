"""The demo: two academies, one English and one Spanish, made once and by the public actions, so its events flow too."""

import asyncio
import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from aulario.app import Platform
from aulario.contracts.identity import Role
from aulario.core.context import Context
from aulario.core.pagination import Page
from aulario.core.unit_of_work import Store, View
from aulario.kit.ids import uuid7
from aulario.kit.passwords import hash_password
from aulario.services.courses import actions as courses
from aulario.services.courses import queries as course_queries
from aulario.services.courses.actions import NewCourse
from aulario.services.identity import actions as identity
from aulario.services.identity import queries as people
from aulario.services.identity.actions import NewTenant, NewUser

PASSWORD, COMPLETE = "demo-password", "demo-complete"
DONE = b"yes"

P = ParamSpec("P")
T = TypeVar("T")


class Person(NamedTuple):
    """Somebody to sign in as."""

    academy: str
    role: str
    email: str
    name: str


class Demo(NamedTuple):
    """What was made, and the one password of everybody in it."""

    password: str
    people: list[Person]


class Academy(NamedTuple):
    """One demo academy: people by role, and courses of a title, a description and a price."""

    tenant: NewTenant
    people: dict[str, tuple[str, ...]]
    courses: tuple[tuple[str, str, str], ...]


ACADEMIES = (
    Academy(
        NewTenant("north", "North Academy", "en", "EUR"),
        {
            "operator": ("Olive Harper",),
            "admin": ("Ada Bell",),
            "teacher": ("Tom Reed", "Tessa Lane"),
            "student": ("Sam Hill", "Sara Young", "Seth Moore", "Sky Turner"),
        },
        (
            ("Bread from scratch", "Flour, water, salt and patience: four loaves in four weeks.", "40.00"),
            ("Reading the night sky", "Find your way from the Plough to Andromeda with bare eyes.", "25.00"),
        ),
    ),
    Academy(
        NewTenant("sur", "Academia del Sur", "es", "EUR"),
        {
            "admin": ("Alba Ríos",),
            "teacher": ("Teo Vidal", "Tania Cruz"),
            "student": ("Sol Medina", "Saúl Prado", "Silvia Peña", "Simón Lago"),
        },
        (
            ("Guitarra desde cero", "Ocho acordes y veinte canciones: toca desde la primera semana.", "35.00"),
            ("Huerto en el balcón", "Macetas, riego y calendario para cosechar todo el año.", "20.00"),
        ),
    ),
)


async def seed(platform: Platform) -> Demo | None:
    """Make what is missing of the demo; None where the installation has academies of its own and no demo."""
    password = await platform.secrets.get(PASSWORD)
    if password is None:
        if await _read(platform.stores["identity"], "", people.tenants, Page(limit=1)):
            return None
        password = secrets.token_urlsafe(9).encode()
        await platform.secrets.put(PASSWORD, password)
    if await platform.secrets.get(COMPLETE) is None:
        for academy in ACADEMIES:
            await _make(platform, academy, password.decode())
        await platform.secrets.put(COMPLETE, DONE)
    return Demo(password.decode(), [person for academy in ACADEMIES for person in people_of(academy)])


async def _make(platform: Platform, academy: Academy, password: str) -> None:
    """Make one academy, or what a crash left out of it."""
    store = platform.stores["identity"]
    users = [await _new_user(person, password) for person in people_of(academy)]
    first, rest = users[0], users[1:]
    tenant = await _read(store, "", people.tenant, academy.tenant.slug)
    if tenant is None:
        tenant = await store.work(_context(uuid7()), identity.open_tenant, academy.tenant, first)
    for user in rest:
        await store.work(_context(tenant.id), identity.register, user)
    teacher = await _read(store, tenant.id, people.user_by_email, _email(academy, academy.people["teacher"][0]))
    known = await _read(platform.stores["courses"], tenant.id, course_queries.courses, Page())
    for title, description, price in academy.courses:
        if title not in {course.title for course in known}:
            new = NewCourse(title, description, academy.tenant.language, Decimal(price), academy.tenant.currency)
            teacher_id = teacher.id if teacher else None
            await platform.stores["courses"].work(_context(tenant.id), courses.add_course, new, teacher_id)


async def _new_user(person: Person, password: str) -> NewUser:
    role = Role(person.role)
    roles = (role, Role.ADMIN) if role is Role.OPERATOR else (role,)
    return NewUser(person.email, person.name, roles, await asyncio.to_thread(hash_password, password))


def people_of(academy: Academy) -> list[Person]:
    """Give everybody of a demo academy, the first administrator first."""
    return [
        Person(academy.tenant.slug, role, _email(academy, name), name)
        for role, names in academy.people.items()
        for name in names
    ]


def _email(academy: Academy, name: str) -> str:
    plain = name.split(maxsplit=1)[0].lower().translate(str.maketrans("áéíóúñ", "aeioun"))
    return f"{plain}@{academy.tenant.slug}.example"


def _context(tenant: str) -> Context:
    return Context.root(uuid7(), sampled=False).in_tenant(tenant)


async def _read(
    store: Store, tenant: str, query: Callable[Concatenate[View, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    return await store.read(_context(tenant), query, *args, **kwargs)
