"""Refusals, whoever refuses: one form, in the reader's language."""

import pytest

from aulario.contracts.identity import Role
from aulario.kit.ids import uuid7
from tests.platform import Academy, World, problem

TITLES = {
    400: ("Bad request", "Solicitud incorrecta"),
    401: ("Not signed in", "Sesión no iniciada"),
    403: ("Not allowed", "No permitido"),
    404: ("Not found", "No encontrado"),
    409: ("Conflict", "Conflicto"),
    413: ("Too large", "Demasiado grande"),
    422: ("Cannot be processed", "No se puede procesar"),
}


@pytest.mark.parametrize("status", TITLES)
@pytest.mark.parametrize(
    ("language", "spanish"), [("", False), ("en", False), ("fr", False), ("es", True), ("es-MX", True)]
)
async def test_a_title_is_in_the_readers_language(
    academy: Academy, status: int, language: str, *, spanish: bool
) -> None:
    """Spanish for those who ask for it, English for all others."""
    admin, client = academy.admin, academy.world.client()
    headers = {"accept-language": language, "content-type": "application/json"}
    taken = {"email": "admin@north.example", "name": "Ada"}
    requests = {
        400: lambda: admin.post("/api/users", content=b"{", headers=headers),
        401: lambda: client.get("/api/users", headers=headers),
        403: lambda: academy.client(Role.STUDENT).get("/api/users", headers=headers),
        404: lambda: admin.get(f"/api/users/{uuid7()}", headers=headers),
        409: lambda: admin.post("/api/users", json=taken, headers=headers),
        413: lambda: admin.post("/api/users", content=b" " * 1_048_577, headers=headers),
        422: lambda: admin.post("/api/users", json={}, headers=headers),
    }
    answer = await requests[status]()
    assert answer.status_code == status
    assert answer.json()["title"] == TITLES[status][spanish]
    assert answer.json()["status"] == status


async def test_a_problem_names_its_place(academy: Academy) -> None:
    """Each field that cannot be used is named, with what was wrong and never with what was sent."""
    sent = {"email": "nobody at all", "name": "", "roles": ["king"], "extra": "surprise"}
    body = problem(await academy.admin.post("/api/users", json=sent), 422, "unprocessable")
    assert {error["at"] for error in body["errors"]} == {"body.email", "body.name", "body.roles.0", "body.extra"}
    assert not {"nobody at all", "king", "surprise"} & set(str(body).replace("'", '"').split('"'))


async def test_an_address_that_is_not_there(world: World) -> None:
    """An unknown address and an unknown method are problems like any other."""
    assert (
        problem(await world.client().get("/nowhere"), 404, "not-found")["detail"] == "there is nothing at this address"
    )
    answer = await world.client().delete("/health/live")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_is_not_signed_in_is_told_how(world: World) -> None:
    """401 carries the scheme that is expected (RFC 9110, section 11.6.1)."""
    answer = await world.client().get("/api/users/me")
    assert answer.headers["www-authenticate"] == "Bearer"
