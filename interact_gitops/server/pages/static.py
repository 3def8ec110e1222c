"""The style sheet and the scripts: files of ours, few and small, kept in memory and by browsers."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).resolve().parent.parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
# The address changes with the content, so a browser need never ask again.
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes = field(repr=False)
    media_type: str
    version: str


def address(name: str) -> str:
    """The path of a static file, with its version."""
    return f"/static/{name}?v={_files()[name].version}"


async def static_file(request: Request) -> Response:
    """GET /static/{name}: no session, no store."""
    found = _files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    current = request.url.query == f"v={found.version}"
    headers = {"Cache-Control": _FOR_EVER if current else "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)


@functools.cache
def _files() -> dict[str, StaticFile]:
    found = {}
    for path in _FOLDER.iterdir():
        if path.suffix in _TYPES:
            content = path.read_bytes()
            version = hashlib.sha256(content).hexdigest()[:12]
            found[path.name] = StaticFile(content=content, media_type=_TYPES[path.suffix], version=version)
    return found
