"""What can go wrong with a request, as RFC 9457 problem details."""

from math import ceil
from typing import ClassVar


class Problem(Exception):
    """An answer that is not the one asked for; `detail` and `extras` are shown to the client."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, **extras: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extras = extras

    def as_dict(self, request_id: str, language: str = "en") -> dict[str, object]:
        """Give the members of the body. `language` is a tag such as "es" or "es-AR"; English when unknown."""
        spanish = language.partition("-")[0].lower() == "es"
        # The extras come first: none of them can stand in for a member of the standard.
        return {
            **self.extras,
            "type": f"/problems/{self.slug}",
            "title": _SPANISH[self.slug] if spanish else self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }

    def headers(self) -> dict[str, str]:
        """Give the headers that this answer must carry."""
        return {}


class BadRequest(Problem):
    status = 400
    slug = "bad-request"
    title = "Bad request"


class Unauthorized(Problem):
    status = 401
    slug = "unauthorized"
    title = "Not signed in"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    status = 403
    slug = "forbidden"
    title = "Not allowed"


class NotFound(Problem):
    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(Problem):
    status = 409
    slug = "conflict"
    title = "Conflict"


class TooLarge(Problem):
    status = 413
    slug = "too-large"
    title = "Too large"


class Unprocessable(Problem):
    status = 422
    slug = "unprocessable"
    title = "Cannot be processed"


class _TryLater(Problem):
    """A problem that time may solve; `retry_after` is in seconds."""

    def __init__(self, detail: str, retry_after: float = 1.0, **extras: object) -> None:
        # Whole seconds, as Retry-After has them, and never 0, which would invite a busy loop.
        self.retry_after = max(1, ceil(retry_after))
        super().__init__(detail, **extras, retry_after=self.retry_after)

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(_TryLater):
    status = 429
    slug = "too-many-requests"
    title = "Too many requests"


class Unavailable(_TryLater):
    status = 503
    slug = "unavailable"
    title = "Not available now"


_SPANISH = {
    "internal-error": "Error interno",
    "bad-request": "Solicitud incorrecta",
    "unauthorized": "Sesión no iniciada",
    "forbidden": "No permitido",
    "not-found": "No encontrado",
    "conflict": "Conflicto",
    "too-large": "Demasiado grande",
    "unprocessable": "No se puede procesar",
    "too-many-requests": "Demasiadas solicitudes",
    "unavailable": "No disponible ahora",
}
