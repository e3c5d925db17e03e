"""Turns whatever refuses a request into problem details (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from aulario.core.context import current
from aulario.core.errors import BadRequest, NotFound, Problem, Unprocessable

FAULT = "something went wrong here; it was logged under this request id"


def install(app: FastAPI) -> None:
    """Answer with problem details wherever FastAPI would have answered in its own way."""
    # A redirect to the address without its slash would be built from the Host header, which anybody can write.
    app.router.redirect_slashes = False
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return _response(request, error.status, error, error.headers())


async def _of_validation(request: Request, error: Exception) -> Response:
    """Say what was wrong and where, without sending back what was sent."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return _response(request, 400, BadRequest("the body is not JSON"), {})
    errors = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in found]
    return _response(request, 422, Unprocessable("some of what was sent cannot be used", errors=errors), {})


async def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = NotFound("there is nothing at this address") if error.status_code == NotFound.status else None
    found = problem or BadRequest(str(error.detail))
    return _response(request, error.status_code, found, error.headers or {})


def _response(request: Request, status: int, problem: Problem, headers: Mapping[str, Any]) -> Response:
    body = problem.as_dict(current().request_id, request.headers.get("accept-language", "en"))
    return JSONResponse(body | {"status": status}, status, dict(headers), "application/problem+json")
