"""The description of all addresses as a page that can be read and tried, without a byte from elsewhere."""

from importlib.resources import files
from typing import Literal

from fastapi import Response
from fastapi.responses import RedirectResponse

from aulario.core.routing import PUBLIC, Routes

routes = Routes("edge")

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
}
"""Looser than everywhere else by just what the page needs: its own scripts, and the styles they set."""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Aulario: every address</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript; the description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<main id="page"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", deepLinking: true, docExpansion: "list",
defaultModelsExpandDepth: 0, displayRequestDuration: true, tryItOutEnabled: true, validatorUrl: null});
"""


@routes.to("GET", "/", PUBLIC, status=307)
async def home() -> RedirectResponse:
    """Lead to the description of all addresses."""
    return RedirectResponse("/docs")


@routes.to("GET", "/docs", PUBLIC)
async def page() -> Response:
    """Show the description of all addresses."""
    return Response(PAGE, media_type="text/html; charset=utf-8", headers=POLICY)


@routes.to("GET", "/docs/{asset}", PUBLIC)
async def asset(
    asset: Literal["start.js", "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"],
) -> Response:
    """Give what the page is made of."""
    if asset == "start.js":
        return Response(START, media_type="text/javascript")
    content = files("fastapi_offline").joinpath("static", asset).read_bytes()
    return Response(content, media_type=ASSETS[asset], headers={"Cache-Control": "public, max-age=86400"})
