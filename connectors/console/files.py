"""The console's own files, by a fixed list of names: style, and htmx as its authors publish it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["FILES", "static"]

FILES: Final = {
    "console.css": ("static", "text/css; charset=utf-8"),
    "htmx.min.js": ("vendor", "text/javascript; charset=utf-8"),
    "icon.svg": ("static", "image/svg+xml"),
}
"""Name: folder and media type."""


def static(request: Request) -> Response:
    """Answer a file."""
    name = request.path_params["name"]
    if name not in FILES:
        return PlainTextResponse("404\n", 404)
    return Response(_read(name), media_type=FILES[name][1])


@cache
def _read(name: str) -> bytes:
    return resources.files("samband.connectors.console").joinpath(FILES[name][0], name).read_bytes()
